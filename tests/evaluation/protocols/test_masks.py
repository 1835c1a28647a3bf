"""The protocols `masks` and `detection` from a COCO file to the table, against pycocotools on the same files."""

import contextlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from slotlight.baselines import build_baseline
from slotlight.datasets import COCODataset
from slotlight.discovery.discoverer import Discoverer
from slotlight.evaluation.result import Evaluation
from slotlight.evaluation.run import evaluate

MASK_NAMES = ("AP", "AP50", "AP75", "AP small", "AP medium", "AP large")
MASK_NAMES += ("AR@1", "AR@10", "AR@100", "AR small", "AR medium", "AR large")
MASK_NAMES += ("ECE",)
BOX_NAMES = {"AP": 0, "AP50": 1, "AR@1": 6, "AR@10": 7, "AR@100": 8, "ECE": 12}


@pytest.fixture(scope="module")
def coco(tmp_path_factory: pytest.TempPathFactory) -> COCODataset:
    """Random photographs with overlapping polygons of every size, some of them crowds."""
    root, rng = tmp_path_factory.mktemp("coco"), np.random.default_rng(0)
    (root / "photographs").mkdir()
    images, annotations = [], []
    for number in range(1, 9):
        height, width = (int(side) for side in rng.integers(120, 260, 2))
        pixels = rng.integers(0, 256, (height // 20, width // 20, 3), dtype=np.uint8)
        picture = Image.fromarray(pixels // 3).resize((width, height))
        images.append({"id": number, "file_name": f"{number}.png", "height": height, "width": width})
        for _ in range(int(rng.integers(0, 7))):
            annotations.append(polygon(rng, len(annotations) + 1, number, height, width))
            x, y, w, h = annotations[-1]["bbox"]
            colour = tuple(rng.integers(128, 256, 3).tolist())
            ImageDraw.Draw(picture).rectangle((x, y, x + w, y + h), fill=colour)
        picture.save(root / "photographs" / f"{number}.png")
    content = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "thing"}]}
    (root / "labels.json").write_text(json.dumps(content))
    return COCODataset(root / "labels.json", root / "photographs")


def polygon(rng: np.random.Generator, number: int, image: int, height: int, width: int) -> dict:
    w, h = rng.choice([12, 40, 70, 110], 2) * rng.uniform(0.7, 1, 2)
    x, y = rng.uniform(0, width - w), rng.uniform(0, height - h)
    corners = [x, y, x + w, y, x + w, y + 0.8 * h, x, y + h]
    crowd = int(rng.random() < 0.2)
    segmentation = [corners]
    if crowd:
        mask = np.zeros((height, width), np.uint8, order="F")
        mask[round(y) : round(y + h), round(x) : round(x + w)] = 1
        changes = np.flatnonzero(np.diff(mask.ravel(order="F"), prepend=0)).tolist()
        runs = np.diff([0, *changes, mask.size]).tolist()
        segmentation = {"size": [height, width], "counts": runs}
    return {
        "id": number,
        "image_id": image,
        "category_id": 1,
        "iscrowd": crowd,
        "bbox": [x, y, w, h],
        "area": 0.9 * w * h,
        "segmentation": segmentation,
    }


@pytest.fixture(scope="module")
def evaluation(coco: COCODataset, tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    model = Discoverer(build_baseline("kmeans-colour"))
    return evaluate([model], coco, ["masks", "detection"], out=tmp_path_factory.mktemp("out"))


def oracle(coco: COCODataset, kind: str) -> list[float]:
    model, results = Discoverer(build_baseline("kmeans-colour")), []
    part = {"segm": "segmentation", "bbox": "bbox"}[kind]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(coco.path)
        for number, image in truth.imgs.items():
            found = model.discover(coco.photographs / image["file_name"])
            # `to_coco` rounds scores; equal scores would be ordered otherwise
            for one, score in zip(found.to_coco(number), found.scores.tolist(), strict=True):
                results.append({"image_id": number, "category_id": 1, "score": score, part: one[part]})
        evaluator = COCOeval(truth, truth.loadRes(results), kind)
        evaluator.params.useCats = 0
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
    return [float("nan") if value == -1 else value for value in [*evaluator.stats.tolist(), ece(evaluator)]]


def ece(evaluator: COCOeval) -> float:
    """The calibration error of pycocotools' own matches at IoU 0.5, objects of all sizes."""
    photographs = [one for one in evaluator.evalImgs if one and one["aRng"] == evaluator.params.areaRng[0]]
    scores, right, ignored = (
        np.concatenate([np.ravel(one[part] if row is None else one[part][row]) for one in photographs])
        for part, row in (("dtScores", None), ("dtMatches", 0), ("dtIgnore", 0))
    )
    scores, right = scores[ignored == 0], right[ignored == 0] > 0
    bins = np.ceil(10 * scores).clip(1, 10)
    gaps = [abs((scores - right)[bins == b].sum()) for b in range(1, 11)]
    return float(sum(gaps) / len(scores))


def test_masks_are_counted_as_pycocotools_does(coco: COCODataset, evaluation: Evaluation) -> None:
    expected = dict(zip(MASK_NAMES, oracle(coco, "segm"), strict=True))
    found = {estimate.metric: estimate.mean for estimate in evaluation.tables[0].rows[0].estimates}
    assert found == pytest.approx(expected, abs=1e-6, nan_ok=True)
    assert found["AP"] > 0.01


def test_boxes_and_crowds_are_counted_as_pycocotools_does(coco: COCODataset, evaluation: Evaluation) -> None:
    stats = oracle(coco, "bbox")
    found = {estimate.metric: estimate.mean for estimate in evaluation.tables[1].rows[0].estimates}
    assert found == pytest.approx({name: stats[place] for name, place in BOX_NAMES.items()}, abs=1e-6)


def test_objects_stand_beside_every_size(coco: COCODataset, evaluation: Evaluation) -> None:
    annotations = [a for a in json.loads(coco.path.read_text())["annotations"] if not a["iscrowd"]]
    small = sum(a["area"] < 32**2 for a in annotations)
    large = sum(a["area"] > 96**2 for a in annotations)
    table = evaluation.tables[0]
    assert table.objects["AP small"] == table.objects["AR small"] == small > 0
    assert table.objects["AP large"] == large
    assert table.objects["AP medium"] == len(annotations) - small - large


def test_masks_kept_on_disk_are_those_measured(
    coco: COCODataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Discoverer(build_baseline("kmeans-colour"))
    first = evaluate([model], coco, ["masks"], out=tmp_path)
    monkeypatch.setattr(Discoverer, "_read", lambda *_: pytest.fail("a photograph is measured again"))
    assert evaluate([model], coco, ["masks"], out=tmp_path).results[0].values[0].seeds == (
        first.results[0].values[0].seeds
    )
