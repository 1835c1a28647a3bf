from xml.etree import ElementTree

import numpy as np
import pytest
import supervision
from PIL import Image

from found_scenes import discovery, found_scenes
from slotlight.datasets.voc_file import read_annotation
from slotlight.formats.voc import write_voc
from tools import ask


def test_supervision_and_our_own_reader_load_it(tmp_path):
    found = found_scenes(tmp_path / "in")
    write_voc(found, tmp_path)
    folder = tmp_path / "voc"
    dataset = supervision.DetectionDataset.from_pascal_voc(str(tmp_path / "in"), str(folder / "Annotations"))
    assert dataset.classes == ["object"]
    for photograph in found.photographs():
        loaded = dataset.annotations[photograph.file]
        read = read_annotation(folder / "Annotations" / f"{photograph.name}.xml")
        assert np.array_equal(read.boxes_xyxy, photograph.boxes_xyxy())
        assert read.size == (60, 80)
        assert len(loaded) == len(photograph.annotations)
        labels = np.asarray(Image.open(folder / "SegmentationObject" / f"{photograph.name}.png"))
        assert np.array_equal(labels, photograph.labels())
        classes = np.asarray(Image.open(folder / "SegmentationClass" / f"{photograph.name}.png"))
        assert np.array_equal(classes, labels > 0)
    for kind in ("Main", "Segmentation"):
        assert (folder / "ImageSets" / kind / "default.txt").read_text() == "a\nb b\nc\n"


def test_a_name_that_xml_cannot_hold_is_spelt_out(tmp_path):
    root = ElementTree.fromstring(discovery(tmp_path / "a\x07\udcff.png").to_voc())
    assert root.findtext("filename") == r"a\x07\udcff.png"
    assert [element.text for element in root.iter("value")] == ["0.9", "0.7", "0.5"]


_DATUMARO = """
import json, sys
from datumaro.components.dataset import Dataset
rows = {}
for item in Dataset.import_from(sys.argv[1], "voc_instance_segmentation"):
    for a in item.annotations:
        area = float(a.image.sum()) if a.type.name == "mask" else float(a.get_area())
        row = [[float(v) for v in a.get_bbox()], area, a.attributes.get("score")]
        rows.setdefault(f"{a.type.name} {item.id}", []).append(row)
print(json.dumps(rows))
"""


@pytest.mark.slow
def test_datumaro_loads_it(tmp_path):
    found = found_scenes(tmp_path / "in")
    write_voc(found, tmp_path)
    rows = ask("datumaro", _DATUMARO, tmp_path / "voc")
    for photograph in list(found.photographs())[:2]:
        boxes = rows[f"bbox {photograph.name}"]
        expected = [annotation["bbox"] for annotation in photograph.annotations]
        # datumaro takes VOC's numbers as they are, though they count from 1 and include the last pixel.
        assert [[x - 1, y - 1, w + 1, h + 1] for (x, y, w, h), _, _ in boxes] == expected
        assert [float(score) for _, _, score in boxes] == [a["score"] for a in photograph.annotations]
        masks = rows[f"mask {photograph.name}"]
        seen = np.bincount(photograph.labels().ravel(), minlength=4)[1:]
        assert sorted(area for _, area, _ in masks) == sorted(seen.tolist())
