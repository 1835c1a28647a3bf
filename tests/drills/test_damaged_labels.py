"""Damaged COCO files, VOC annotations and lists, and masks: each is read or refused in a sentence."""

import json
import random
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faster_coco_eval.core import mask as run_lengths
from PIL import Image

from damage import Drill, mutated
from slotlight.datasets import COCODataset, Dataset, DatasetSource, FolderDataset, VOCDataset, open_dataset

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

ODD: list[Any] = [
    *(None, True, 0, -1, 1, 2.5, 1e300, -1e300, float("nan"), float("inf"), 2**63, 10**30),
    *(
        "",
        "x",
        "1",
        "../../x",
        "\0",
        "é" * 300,
        [],
        {},
        [[]],
        [{}],
        {"a": 1},
        [1, 2],
        [1, 2, 3, 4],
        [[1, 2, 3, 4, 5, 6]],
    ),
]


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    folder = tmp_path / "photographs"
    folder.mkdir()
    for i in range(3):
        Image.new("RGB", (24, 16)).save(folder / f"{i}.jpg")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (16, 24)).save(folder / "2.jpg", exif=exif)
    return folder


def coco() -> dict[str, Any]:
    square = np.zeros((16, 24), np.uint8)
    square[3:9, 4:12] = 1
    code = run_lengths.encode(np.asfortranarray(square))["counts"]
    segmentations = [
        [[4, 3, 12, 3, 12, 9, 4, 9]],
        [4, 3, 12, 3, 12, 9, 4, 9],
        {"size": [16, 24], "counts": code.decode() if isinstance(code, bytes) else code},
        {"size": [16, 24], "counts": [67, 6, 10, 6, 295]},
    ]
    return {
        "info": {"year": 2026},
        "images": [{"id": i, "file_name": f"{i}.jpg", "width": 24, "height": 16} for i in range(3)],
        "annotations": [
            {
                "id": 10 * i + j,
                "image_id": i,
                "category_id": 1 + j % 2,
                "bbox": [4, 3, 8, 6],
                "area": 48,
                "iscrowd": int(j == 3),
                "segmentation": segmentation,
            }
            for i in range(3)
            for j, segmentation in enumerate(segmentations)
        ],
        "categories": [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}],
    }


def places(node: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of a tree of JSON."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [place for key, value in items for place in [(node, key), *places(value)]]


def change(tree: Any, rng: random.Random) -> None:
    """Replace, delete or move some values."""
    for _ in range(rng.choice((1, 1, 2, 4))):
        container, key = rng.choice(places(tree))
        kind = rng.randrange(4)
        if kind == 0:
            del container[key]
        elif kind == 1:
            other, place = rng.choice(places(tree))
            container[key] = json.loads(json.dumps(other[place]))
        elif kind == 2 and isinstance(container, list):
            container.append(json.loads(json.dumps(container[key])))
        else:
            container[key] = rng.choice(ODD)
        if not places(tree):
            return


def use(dataset: Dataset) -> None:
    for index in range(len(dataset)):
        sample = dataset[index]
        labels = sample.read_labels(dataset.label_kinds)
        for label_map in (labels.foreground, labels.classes, labels.instances):
            assert label_map is None or label_map.shape == (16, 24), label_map.shape
        assert labels.boxes_xyxy is None or np.isfinite(labels.boxes_xyxy).all()


def test_coco_files_with_changed_values(
    tmp_path: Path, photographs: Path, drill: Drill, rng: random.Random
) -> None:
    path = tmp_path / "x.json"
    for _ in range(2000):
        tree = coco()
        change(tree, rng)
        path.write_text(json.dumps(tree))
        drill.attempt(lambda: use(COCODataset(path, photographs)), "coco", path, photographs / "0.jpg")
    drill.check(2000)


def test_coco_files_with_changed_bytes(
    tmp_path: Path, photographs: Path, drill: Drill, rng: random.Random
) -> None:
    path, content = tmp_path / "x.json", json.dumps(coco()).encode()
    for _ in range(1000):
        path.write_bytes(mutated(content, content, rng))
        drill.attempt(lambda: use(COCODataset(path, photographs)), "coco", path)
    drill.check(1000)


ANNOTATION = b"""<?xml version="1.0" encoding="utf-8"?><annotation><folder>x</folder><filename>0.jpg</filename>
<size><width>24</width><height>16</height><depth>3</depth></size><object><name>dog</name><pose>Unspecified</pose>
<difficult>0</difficult><bndbox><xmin>5</xmin><ymin>4</ymin><xmax>12</xmax><ymax>9</ymax></bndbox></object><object>
<name>cat</name><bndbox><xmin>1.5</xmin><ymin>1</ymin><xmax>4</xmax><ymax>16</ymax></bndbox></object></annotation>"""


@pytest.fixture
def devkit(tmp_path: Path, photographs: Path) -> Path:
    root = tmp_path / "VOC2012"
    for folder in (
        "ImageSets/Main",
        "ImageSets/Segmentation",
        "Annotations",
        "SegmentationClass",
        "SegmentationObject",
    ):
        (root / folder).mkdir(parents=True)
    photographs.rename(root / "JPEGImages")
    for part in ("Main", "Segmentation"):
        (root / "ImageSets" / part / "val.txt").write_text("0\n1\n2\n")
    for i in range(3):
        (root / "Annotations" / f"{i}.xml").write_bytes(ANNOTATION)
        for folder in ("SegmentationClass", "SegmentationObject"):
            (root / folder / f"{i}.png").write_bytes(masks()["palette"])
    return root


def test_voc_annotations(devkit: Path, drill: Drill, rng: random.Random) -> None:
    path = devkit / "Annotations" / "0.xml"
    odd = [str(value).encode() for value in ODD]
    for number in range(2000):
        content = ANNOTATION
        if number % 2:  # a value between two tags
            ends = [i for i, byte in enumerate(content) if byte == ord(">")]
            start = rng.choice(ends) + 1
            stop = content.find(b"<", start)
            content = content[:start] + rng.choice(odd) + content[max(start, stop) :]
        else:
            content = mutated(content, content, rng)
        path.write_bytes(content)
        drill.attempt(lambda: use(VOCDataset(devkit)), "voc", path)
    drill.check(2000)


def test_voc_lists(devkit: Path, drill: Drill, rng: random.Random) -> None:
    path = devkit / "ImageSets" / "Segmentation" / "val.txt"
    content = b"0\r\n1  1\n2.jpg\n"
    for _ in range(1000):
        path.write_bytes(mutated(content, ANNOTATION, rng))
        drill.attempt(lambda: use(open_dataset(DatasetSource(str(devkit)))), "list", path)
    drill.check(1000)


def masks() -> dict[str, bytes]:
    square = np.zeros((16, 24), np.uint8)
    square[3:9, 4:12], square[10:14, 2:6] = 1, 2
    palette = Image.fromarray(square)
    palette.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])
    images = {
        "grey": Image.fromarray(square),
        "white": Image.fromarray(square.clip(0, 1) * 255),
        "palette": palette,
        "rgb": palette.convert("RGB"),
        "rgba": palette.convert("RGBA"),
        "bits": Image.fromarray(square.clip(0, 1) * 255).convert("1"),
        "16 bits": Image.fromarray(square.astype(np.uint16)),
    }
    found = {}
    for name, image in images.items():
        file = BytesIO()
        image.save(file, "PNG")
        found[name] = file.getvalue()
    return found


@pytest.mark.parametrize("kind", ["binary", "classes", "instances"])
def test_masks(tmp_path: Path, photographs: Path, drill: Drill, rng: random.Random, kind: Any) -> None:
    folder = tmp_path / "masks"
    folder.mkdir()
    whole = masks()
    for i in range(3):
        (folder / f"{i}.png").write_bytes(whole["grey"])
    for name, content in whole.items():
        for _ in range(150):
            (folder / "0.png").write_bytes(mutated(content, rng.choice(list(whole.values())), rng))
            drill.attempt(lambda: use(FolderDataset(photographs, folder, kind)), name, folder / "0.png")
    drill.check(1000)
