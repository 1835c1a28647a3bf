import json

import numpy as np
import pytest
from pycocotools.coco import COCO

from found_scenes import SHAPES, found_scenes, masks_of
from slotlight.formats.registry import FORMATS

EVERY_SHAPE = tuple(SHAPES)


@pytest.mark.parametrize("name", ["coco", "coco-polygons"])
def test_pycocotools_loads_it(tmp_path, name, capsys):
    found = found_scenes(tmp_path / "in", shapes=EVERY_SHAPE)
    FORMATS[name].write(found, tmp_path)
    coco = COCO(str(tmp_path / FORMATS[name].output))
    capsys.readouterr()
    assert [image["file_name"] for image in coco.dataset["images"]] == [
        p.file_name for p in found.photographs()
    ]
    for photograph in found.photographs():
        annotations = coco.loadAnns(coco.getAnnIds(imgIds=[photograph.image_id]))
        masks = [coco.annToMask(annotation).astype(bool) for annotation in annotations]
        assert np.array_equal(np.array(masks).reshape(-1, 60, 80), masks_of(photograph))
    ids = [annotation["id"] for annotation in coco.dataset["annotations"]]
    assert ids == list(range(1, 2 * len(EVERY_SHAPE) + 1))


def test_polygons_and_run_lengths_say_the_same(tmp_path):
    found = found_scenes(tmp_path / "in")
    for name in ("coco", "coco-polygons"):
        FORMATS[name].write(found, tmp_path)
    one, other = (json.loads((tmp_path / f"objects{end}.json").read_text()) for end in ("", "-polygons"))
    assert all(isinstance(a.pop("segmentation"), list) for a in other["annotations"])
    assert [a.pop("segmentation")["size"] for a in one["annotations"]] == [[60, 80]] * 6
    assert one == other
