import json

import numpy as np
import pytest
from PIL import Image, ImageDraw

from counted_as_coco import polygon
from slotlight.baselines import build_baseline
from slotlight.datasets import COCODataset
from slotlight.discovery.discoverer import Discoverer
from slotlight.evaluation.result import Evaluation
from slotlight.evaluation.run import evaluate


@pytest.fixture
def scene() -> np.ndarray:
    scene = np.zeros((40, 60), np.uint8)
    scene[5:20, 5:25] = 1
    scene[22:36, 30:55] = 2
    return scene


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
def evaluation(coco: COCODataset, tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    model = Discoverer(build_baseline("kmeans-colour"))
    return evaluate([model], coco, ["masks", "detection"], out=tmp_path_factory.mktemp("out"))
