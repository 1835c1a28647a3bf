"""Masks on the grid of patches, mean features, their record."""

import numpy as np
import pytest
import torch
from PIL import Image

import slotlight
from slotlight.discovery.record import Line
from slotlight.features.of_masks import masked_means, patch_weights
from slotlight.formats.coco import coco_annotations
from slotlight.formats.run_lengths import annotated_mask
from slotlight.groups.features import FeatureReader, PhotographFeatures, known_features
from slotlight.images import fit_size, read_photograph, resize, to_batch


@pytest.fixture(scope="module")
def reader() -> FeatureReader:
    segmenter = slotlight.load().segmenter
    return FeatureReader(segmenter.backbone, segmenter.image_size, batch_size=2)


def line(path, masks) -> Line:
    masks = np.asarray(masks, bool)
    boxes = np.zeros((len(masks), 4), np.float32)
    scores = np.ones(len(masks), np.float32)
    annotations = coco_annotations(masks, boxes, scores, image_id=1, first_annotation_id=1)
    return Line(str(path), path.stem, 1, [], *masks.shape[:0:-1], annotations)


def test_features_are_the_means_over_masks(reader, photo_paths, tmp_path):
    """Photographs of several sizes, in batches, against one photograph done by hand."""
    Image.open(photo_paths[1]).crop((0, 0, 300, 200)).save(tmp_path / "small.jpg")
    lines = []
    for path in (photo_paths[0], tmp_path / "small.jpg", photo_paths[1], photo_paths[0]):
        image = read_photograph(path)
        masks = np.zeros((2, *image.shape[:2]), bool)
        masks[0, 20:90, 30:80] = True
        masks[1] = ~masks[0]
        lines.append(line(path, masks))
    found = list(reader.stream(lines, on_error=lambda *_: pytest.fail("a good photograph")))
    assert [one.file for one in found] == [one.file for one in lines]
    small = read_photograph(tmp_path / "small.jpg")
    size = fit_size(200, 300, reader.image_size, reader.backbone.patch_size)
    features = reader.backbone(to_batch([resize(small, size)]))
    weights = [patch_weights(annotated_mask(a), features.grid) for a in lines[1].annotations]
    expected = masked_means(features.patches[0], torch.from_numpy(np.stack(weights)))
    assert np.allclose(found[1].features, expected.numpy(), atol=1e-4)


def test_photographs_that_are_gone_or_another_are_named(reader, photo_paths, tmp_path):
    other = line(photo_paths[0], np.ones((1, 10, 10)))
    faults = []
    gone = line(tmp_path / "gone.jpg", np.ones((1, 10, 10)))
    assert not list(reader.stream([gone, other], on_error=lambda _, fault: faults.append(str(fault))))
    assert "gone.jpg cannot be read" in faults[0]
    assert "another size than when its objects were found" in faults[1]


def test_a_record_that_a_kill_cut_off(tmp_path):
    features = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    text = PhotographFeatures("a.jpg", features).encoded()
    (tmp_path / "record").write_text(text + text.replace("a.jpg", "b.jpg") + text[:40])
    found = known_features(tmp_path / "record")
    assert list(found) == ["a.jpg"]  # the second is not what was sealed
    assert np.array_equal(found["a.jpg"].features, features)
