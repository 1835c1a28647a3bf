from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from slotlight.errors import ImageError
from slotlight.formats.coco import coco_annotations
from slotlight.groups.sheets import Shown, cutout, spread, write_sheets


def shown(path: Path, size: tuple[int, int] = (60, 80)) -> Shown:
    mask = np.zeros((1, *size), bool)
    mask[0, 20:40, 30:60] = True
    boxes = np.array([[30, 20, 60, 40]], np.float32)
    (annotation,) = coco_annotations(mask, boxes, np.ones(1, np.float32), image_id=1, first_annotation_id=1)
    return Shown(str(path), annotation)


def test_an_object_is_cut_out_with_its_surroundings_dimmed(tmp_path: Path) -> None:
    Image.new("RGB", (80, 60), (100, 50, 0)).save(tmp_path / "a.png")
    piece = np.asarray(cutout(shown(tmp_path / "a.png")))
    assert piece.shape == (26, 36, 3)  # a margin of three pixels: a tenth of the box's longer side
    assert piece[13, 18].tolist() == [100, 50, 0]
    assert (piece[0, 0] > 150).all()
    with pytest.raises(ImageError, match="another size"):
        cutout(shown(tmp_path / "a.png", (90, 80)))


def test_photographs_that_are_gone_are_left_out_of_a_sheet(tmp_path: Path) -> None:
    Image.new("RGB", (80, 60)).save(tmp_path / "a.png")
    gone = shown(tmp_path / "gone.png")
    write_sheets({tmp_path / "1.jpg": [shown(tmp_path / "a.png"), gone], tmp_path / "2.jpg": [gone]})
    assert (tmp_path / "1.jpg").is_file()
    assert not (tmp_path / "2.jpg").exists()


def test_those_shown_go_from_the_most_typical_to_the_least() -> None:
    distances = np.random.default_rng(0).random(100)
    chosen = distances[spread(distances, 7)]
    assert len(chosen) == 7
    assert (np.diff(chosen) > 0).all()
    assert (chosen[0], chosen[-1]) == (distances.min(), distances.max())
