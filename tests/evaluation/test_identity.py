"""Kept values are those of this model, this code, these photographs and these labels, or they are measured again."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import slotlight
from slotlight.baselines import build_baseline
from slotlight.config import Calibration, ObjectRule
from slotlight.datasets import COCODataset, Dataset, FolderDataset, VOCDataset
from slotlight.discovery.discoverer import Discoverer
from slotlight.evaluation.identity import _DECIDING, code_fingerprint, result_key, statements
from slotlight.evaluation.run import evaluate

SIZE = (40, 60)  # height, width


def halves(left: bool) -> np.ndarray:
    mask = np.zeros(SIZE, np.uint8)
    mask[:, :30] = left
    mask[:, 30:] = not left
    return mask


def write_photographs(folder: Path, suffix: str) -> None:
    folder.mkdir(parents=True)
    for number, name in enumerate(("a", "b")):
        pixels = np.random.default_rng(number).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{name}{suffix}")


class Corrected:
    """Data whose labels can be corrected; in place, with size and time of each file as they were."""

    protocol = "saliency"

    def __init__(self, root: Path) -> None:
        self.root = root
        write_photographs(root / "photographs", ".png")
        (root / "masks").mkdir()
        self.label(left=True)

    def label(self, *, left: bool) -> None:
        for name in ("a", "b"):
            path = self.root / "masks" / f"{name}.png"
            before = path.stat() if path.exists() else None
            Image.fromarray(255 * halves(left)).save(path)
            if before:
                os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    def open(self) -> Dataset:
        return FolderDataset(self.root / "photographs", self.root / "masks")


class CorrectedVOC(Corrected):
    protocol = "corloc"

    def __init__(self, root: Path) -> None:
        self.root = root
        write_photographs(root / "JPEGImages", ".jpg")
        for folder in ("Annotations", "ImageSets/Segmentation"):
            (root / folder).mkdir(parents=True)
        (root / "ImageSets/Segmentation/val.txt").write_text("a\nb\n")
        self.label(left=True)

    def label(self, *, left: bool) -> None:
        box = (1, 30) if left else (31, 60)
        for name in ("a", "b"):
            (self.root / "Annotations" / f"{name}.xml").write_text(
                f"<annotation><object><name>cat</name><bndbox><xmin>{box[0]}</xmin><ymin>1</ymin>"
                f"<xmax>{box[1]}</xmax><ymax>40</ymax></bndbox></object></annotation>"
            )

    def open(self) -> Dataset:
        return VOCDataset(self.root, "val")


class CorrectedCOCO(Corrected):
    protocol = "detection"

    def label(self, *, left: bool) -> None:
        box = [0 if left else 30, 0, 30, 40]
        annotations = [
            {"id": n, "image_id": n, "category_id": 1, "bbox": box, "area": 1200, "iscrowd": 0}
            for n in (1, 2)
        ]
        images = [
            {"id": n, "file_name": f"{name}.png", "height": 40, "width": 60}
            for n, name in ((1, "a"), (2, "b"))
        ]
        content = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "cat"}]}
        (self.root / "labels.json").write_text(json.dumps(content))

    def open(self) -> Dataset:
        return COCODataset(self.root / "labels.json", self.root / "photographs")


@pytest.mark.parametrize("data", [Corrected, CorrectedVOC, CorrectedCOCO])
def test_corrected_labels_give_the_numbers_of_a_fresh_run(data: type[Corrected], tmp_path: Path) -> None:
    model = Discoverer(build_baseline("centre-box"))
    some = data(tmp_path / "data")
    if data is not CorrectedVOC:  # a box of half the photograph is as right on either side
        model = Discoverer(build_baseline("tiles"))
    before = evaluate([model], some.open(), [some.protocol], out=tmp_path / "kept")
    some.label(left=False)
    resumed = evaluate([model], some.open(), [some.protocol], out=tmp_path / "kept")
    fresh = evaluate([model], some.open(), [some.protocol], out=tmp_path / "fresh")
    assert repr(resumed.tables) == repr(fresh.tables)
    shards = list((tmp_path / "kept/images").rglob("*.jsonl"))
    assert [len(p.read_text().splitlines()) for p in shards] == [4]  # measured again, all of them
    some.label(left=True)
    assert repr(evaluate([model], some.open(), [some.protocol], out=tmp_path / "kept").tables) == repr(
        before.tables
    )


def test_another_photograph_of_the_same_name_is_measured(tmp_path: Path) -> None:
    some, model = Corrected(tmp_path / "data"), Discoverer(build_baseline("kmeans-colour"))
    evaluate([model], some.open(), ["saliency"], out=tmp_path / "kept")
    Image.fromarray(np.dstack([50 * halves(True)] * 3)).save(tmp_path / "data/photographs/b.png")
    resumed = evaluate([model], some.open(), ["saliency"], out=tmp_path / "kept")
    fresh = evaluate([model], some.open(), ["saliency"], out=tmp_path / "fresh")
    assert repr(resumed.tables) == repr(fresh.tables)
    (shard,) = (tmp_path / "kept/images").rglob("*.jsonl")
    assert len(shard.read_text().splitlines()) == 3  # only the one that has changed


def test_what_decides_a_result_is_in_the_key() -> None:
    floor = Discoverer(build_baseline("tiles"))
    assert result_key(floor) == result_key(Discoverer(build_baseline("tiles")))
    assert result_key(floor) != result_key(Discoverer(build_baseline("whole-image")))
    assert result_key(floor) != result_key(Discoverer(floor.segmenter, rule=ObjectRule(min_score=0.3)))


def test_settings_of_a_user_s_own_segmenter_never_share_numbers(tmp_path: Path) -> None:
    class Own:
        name, image_size, patch_size, is_seeded, backbone = "own", 32, 4, False, None
        calibration = Calibration()

        def __init__(self, share: float) -> None:
            self.share = share

        @property
        def device(self) -> torch.device:
            return torch.device("cpu")

        def fingerprint(self) -> str:
            return f"own {self.share}"

        def controls(self) -> list:
            return []

        def segment(self, images: torch.Tensor, *, seed: int = 0):  # noqa: ARG002
            from slotlight.segmenter import SlotMasks

            left = torch.zeros(len(images), 1, *images.shape[2:])
            left[..., : round(self.share * images.shape[3])] = 1
            return SlotMasks(
                torch.cat([left, 1 - left], 1), torch.tensor([[0.9, 0.0]]).expand(len(images), 2)
            )

    data = Corrected(tmp_path / "data").open()
    for share in (0.5, 0.25):
        table = evaluate([Discoverer(Own(share))], data, ["saliency"], out=tmp_path / "out").tables[0]
        assert table.rows[0].estimates[0].mean == pytest.approx(2 * share, abs=0.05)


def test_the_code_in_the_key_is_there() -> None:
    root = Path(slotlight.__file__).parent
    assert [pattern for pattern in _DECIDING if not list(root.glob(pattern))] == []


def test_code_that_decides_nothing_is_not_in_the_key() -> None:
    assert len(code_fingerprint()) == 16
    code = 'def f(x):\n    """Doc."""\n    # why\n    return x\n'
    assert statements(code) == statements("def f(x): return x")
    assert statements(code) != statements("def f(x): return x + 1")
