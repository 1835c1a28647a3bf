"""The public face, with floors and with a whole model of random weights on real photographs."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image

from slotlight.backbones import Backbone
from slotlight.config import BackboneConfig, DecoderConfig, ModelConfig, ObjectRule, SlotConfig
from slotlight.discovery.discoverer import Discoverer
from slotlight.discovery.discovery import Discovery
from slotlight.errors import ImageError
from slotlight.model.segmenter import ModelSegmenter
from slotlight.model.slot_model import build_slot_model


@pytest.fixture(scope="module")
def discoverer() -> Discoverer:
    torch.manual_seed(0)
    vit = timm.create_model("vit_tiny_patch16_224", depth=2, num_classes=0, dynamic_img_size=True)
    backbone = Backbone("random", vit, facet="key")
    config = ModelConfig(
        backbone=BackboneConfig(image_size=128),
        slots=SlotConfig(heads=1),  # untrained heads do not agree, and what they disagree on is no object
        decoder=DecoderConfig(hidden=64),
        masks_from="attention",
    )
    model = build_slot_model(config, backbone.dim, (8, 8))
    return Discoverer(ModelSegmenter("random", backbone, model), rule=ObjectRule(min_score=0.0))


def same(one, other) -> bool:
    fields = ("segments", "masks", "boxes_xyxy", "scores")
    return all(np.array_equal(getattr(one, f), getattr(other, f)) for f in fields)


def test_any_kind_of_photograph(discoverer, photo_paths):
    path = photo_paths[0]
    array = np.asarray(Image.open(path))
    tensor = torch.from_numpy(array.copy()).permute(2, 0, 1)
    from_path = discoverer.discover(path)
    assert from_path.path == path
    for photograph in (str(path), Image.open(path), array, tensor):
        assert same(from_path, discoverer.discover(photograph))


def test_a_discovery_fits_its_photograph(discoverer, photo_paths):
    discoveries = discoverer.discover(photo_paths)
    assert sum(map(len, discoveries)) > 0
    for found, path in zip(discoveries, photo_paths, strict=True):
        width, height = Image.open(path).size
        assert found.image.shape == (height, width, 3)
        assert found.segments.shape == found.labels.shape == (height, width)
        assert len(found) == len(found.masks) == len(found.boxes_xyxy)
        assert (found.masks.sum(axis=0) <= 1).all()
        assert (np.diff(found.scores) <= 0).all()
        assert ((found.scores >= 0) & (found.scores <= 1)).all()
        for number, (mask, (left, top, right, bottom)) in enumerate(
            zip(found.masks, found.boxes_xyxy.astype(int), strict=True), start=1
        ):
            assert mask[top:bottom, left:right].sum() == mask.sum() == (found.labels == number).sum()
            assert mask[top].any()
            assert mask[bottom - 1].any()
            assert mask[:, left].any()
            assert mask[:, right - 1].any()


def test_one_seed_one_result(discoverer, photo_paths):
    first, second = (discoverer.discover(photo_paths, seed=3) for _ in range(2))
    assert all(same(a, b) for a, b in zip(first, second, strict=True))
    other = discoverer.discover(photo_paths, seed=4)
    assert not all(same(a, b) for a, b in zip(first, other, strict=True))


def test_batches_do_not_matter(discoverer, photo_paths):
    photographs = photo_paths * 2 + photo_paths[:1] * 3
    alone = [discoverer.discover(path) for path in photographs]
    for batch_size in (1, 3, 16):
        together = discoverer.discover(photographs, batch_size=batch_size)
        for one, other in zip(alone, together, strict=True):
            assert one.path == other.path
            # A pixel on the very edge of two slots may fall either way by rounding.
            assert (one.segments != other.segments).mean() < 1e-3
            assert np.allclose(one.scores, other.scores, atol=1e-3)


def test_broken_photographs_are_named_and_left_out(discoverer, photo_paths, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(photo_paths[0].read_bytes()[:500])
    mixed = [photo_paths[0], broken, photo_paths[1]]
    with pytest.raises(ImageError, match=r"broken\.jpg"):
        discoverer.discover(mixed)
    failed = []
    found = list(discoverer.stream(mixed, on_error=lambda source, fault: failed.append((source, fault))))
    assert [d.path for d in found] == [photo_paths[0], photo_paths[1]]
    assert [source for source, _ in failed] == [broken]


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (17, 33)])
def test_odd_sizes(discoverer, size):
    found = discoverer.discover(np.full((*size, 3), 128, np.uint8))
    assert found.segments.shape == size


def test_a_stream_is_lazy_and_constant_in_memory(discoverer):
    read = 0

    def photographs():
        nonlocal read
        generator = np.random.default_rng(0)
        for _ in range(60):
            read += 1
            yield generator.integers(0, 255, (128, 128, 3), dtype=np.uint8)

    stream = discoverer.stream(photographs(), batch_size=1)
    next(stream)
    assert read < 20
    tracemalloc.start()
    peaks = []
    for number, _ in enumerate(stream):
        if number in (20, 50):
            peaks.append(tracemalloc.get_traced_memory()[1])
    tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0]


def test_no_objects(discoverer, photo_paths):
    picky = Discoverer(discoverer.segmenter, rule=ObjectRule(min_score=1.0))
    found = picky.discover(photo_paths[0])
    assert len(found) == 0
    assert found.labels.max() == 0
    assert found.to_coco() == []
    assert found.overlay().size == (512, 512)
    assert len(found.to_supervision()) == 0


def test_coco_and_supervision(discoverer, photo_paths):
    from faster_coco_eval.core import mask as rle

    found = discoverer.discover(photo_paths[2])
    detections = found.to_supervision()
    assert np.array_equal(detections.mask, found.masks)
    for annotation, mask, box in zip(found.to_coco(7, 100), found.masks, found.boxes_xyxy, strict=True):
        counts = annotation["segmentation"]["counts"].encode()
        assert np.array_equal(rle.decode({"size": list(mask.shape), "counts": counts}), mask)
        assert annotation["image_id"] == 7
        assert annotation["area"] == mask.sum()
        left, top, width, height = annotation["bbox"]
        assert np.allclose([left, top, left + width, top + height], box)


def test_missing_file_is_one_sentence(discoverer):
    with pytest.raises(ImageError, match=r"nowhere\.jpg"):
        discoverer.discover(Path("nowhere.jpg"))


def test_of_objects_that_overlap_the_best_is_on_top() -> None:
    masks = np.array([[[1, 1, 0]], [[0, 1, 1]]], bool)
    image, boxes = np.zeros((2, 6, 3), np.uint8), np.zeros((2, 4), np.float32)
    found = Discovery(image, np.zeros((2, 6), np.uint8), masks, boxes, np.array([0.9, 0.5], np.float32))
    assert found.labels.tolist() == [[1, 1, 1, 1, 2, 2]] * 2
    assert found.masks.tolist() == [[[True] * 4 + [False] * 2] * 2, [[False] * 2 + [True] * 4] * 2]
    assert [annotation["area"] for annotation in found.to_coco()] == [8, 8]
