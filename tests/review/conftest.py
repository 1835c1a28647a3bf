import json
from pathlib import Path

import pytest
from PIL import Image

from reviews import BOXES, HEIGHT, WIDTH, rectangle
from slotlight.files import MARKER


@pytest.fixture
def found(tmp_path: Path) -> Path:
    """Three photographs, of which the first has three objects, the second none, the third is gone."""
    folder = tmp_path / "found"
    folder.mkdir()
    (folder / MARKER).write_text('{"model": "test"}')
    images = [
        {"id": number, "file_name": f"{name}.png", "width": WIDTH, "height": HEIGHT}
        for number, name in ((1, "one"), (2, "two"), (3, "three"))
    ]
    annotations = [
        {
            "id": number,
            "image_id": 3 if number == 14 else 1,
            "category_id": 1,
            "segmentation": rectangle(*box),
            "bbox": [box[0], box[1], box[2] - box[0], box[3] - box[1]],
            "area": (box[2] - box[0]) * (box[3] - box[1]),
            "iscrowd": 0,
            "score": score,
        }
        for (number, box), score in zip(
            (BOXES | {14: (0, 0, 9, 9)}).items(), (0.9, 0.8, 0.7, 0.6), strict=True
        )
    ]
    content = {
        "info": {},
        "categories": [{"id": 1, "name": "object"}],
        "images": images,
        "annotations": annotations,
    }
    (folder / "objects.json").write_text(json.dumps(content))
    for name in ("one", "two"):
        Image.new("RGB", (WIDTH, HEIGHT), (40, 60, 80)).save(tmp_path / f"{name}.png")
    return folder
