import numpy as np
import pytest
import supervision

from found_scenes import SHAPES, discovery, found_scenes, iou, masks_of
from slotlight.formats.yolo import write_yolo

OF_ONE_PART = ("row", "column", "diagonal", "corner", "all", "ell", "ring", "holes")


def test_supervision_loads_it(tmp_path):
    found = found_scenes(tmp_path / "in", shapes=OF_ONE_PART)
    write_yolo(found, tmp_path)
    folder = tmp_path / "yolo"
    dataset = supervision.DetectionDataset.from_yolo(
        str(folder / "images"), str(folder / "labels"), str(folder / "data.yaml"), force_masks=True
    )
    assert dataset.classes == ["object"]
    assert len(dataset) == 3
    for path, image, loaded in dataset:
        original = next(
            p for p in found.photographs() if p.name == path.rsplit("/", 1)[1].removesuffix(".png")
        )
        assert image.shape == (60, 80, 3)
        assert len(loaded) == len(original.annotations)
        for mask, expected in zip(loaded.mask if len(loaded) else [], masks_of(original), strict=True):
            assert iou(mask, expected) >= 0.98


def test_tools_that_cut_to_whole_pixels_come_to_the_same():
    """As ultralytics does."""
    lines = discovery(shapes=OF_ONE_PART).to_yolo()
    for line, name in zip(lines, OF_ONE_PART, strict=True):
        label, *values = line.split()
        points = (np.array(values, np.float32).reshape(-1, 2) * (80, 60)).astype(np.int32)
        assert (label, len(values) >= 6) == ("0", True)
        assert iou(supervision.polygon_to_mask(points, (80, 60)) > 0, SHAPES[name]) >= 0.98


def test_the_photographs_are_linked_and_the_folder_is_whole(tmp_path, monkeypatch):
    found = found_scenes(tmp_path / "in")
    before = (tmp_path / "in/a.png").read_bytes()
    write_yolo(found, tmp_path)
    link = tmp_path / "yolo/images/a.png"
    assert link.is_symlink()
    assert link.resolve() == tmp_path / "in/a.png"
    labels = (tmp_path / "yolo/labels/a.txt").read_text()

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("slotlight.formats.yolo._link", fail)
    with pytest.raises(OSError, match="No space"):
        write_yolo(found, tmp_path)
    assert (tmp_path / "yolo/labels/a.txt").read_text() == labels
    assert (tmp_path / "in/a.png").read_bytes() == before
    assert not list(tmp_path.glob(".partial*"))


def test_single_pixels_and_lines_are_polygons_too():
    found = discovery(shapes=("row",))
    found.coarse_masks[:] = False
    found.coarse_masks[0, 5, 7] = True
    (line,) = found.to_yolo()
    assert len(line.split()) == 7
