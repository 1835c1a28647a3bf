from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from slotlight.drawing import contact_sheet, contrasting_colours, label_map, overlay, palette, segment_picture


def grey(height: int = 60, width: int = 80) -> np.ndarray:
    return np.full((height, width, 3), 128, dtype=np.uint8)


def boxes(*values: list[float]) -> np.ndarray:
    return np.array(values, dtype=np.float32).reshape(-1, 4)


def test_colours_are_distinct_bright_and_always_the_same() -> None:
    colours = palette(255)
    assert len(set(colours)) == 255
    assert all(max(colour) == 255 for colour in colours)
    assert palette(7) == colours[:7]
    assert palette(0) == []


def test_overlay_tints_its_masks_alone_and_draws_boxes() -> None:
    masks = np.zeros((2, 60, 80), dtype=bool)
    masks[0, 20:40, 10:30] = masks[1, 20:40, 50:70] = True
    drawn = np.asarray(
        overlay(grey(), masks, boxes([10, 20, 30, 40], [50, 20, 70, 40]), np.array([0.9, 0.5], "f4"))
    )
    first, second = contrasting_colours(grey(), masks)
    assert drawn.shape == (60, 80, 3)
    assert tuple(drawn[39, 29]) == first  # the last pixels inside the boxes are their outlines
    assert tuple(drawn[39, 69]) == second
    assert not np.array_equal(drawn[36, 20], drawn[36, 60])
    assert (drawn[45:] == 128).all()
    assert (drawn[:20] == 128).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (37, 61), (1200, 900)])
def test_overlay_has_the_photographs_size(size: tuple[int, int]) -> None:
    masks = np.ones((1, *size), dtype=bool)
    around = (
        boxes([0, 0, size[1], size[0]]),
        boxes([0.2, 0.3, 0.4, 0.5]),
    )  # at a smaller size, less than a pixel
    for box in around:
        drawn = overlay(grey(*size), masks, box, np.array([1.0], "f4"))
        assert drawn.size == size[::-1]


def test_colours_differ_from_the_object_and_from_each_other() -> None:
    image = np.zeros((4, 30, 3), dtype=np.uint8)
    masks = np.zeros((3, 4, 30), dtype=bool)
    for number, colour in enumerate(((255, 40, 20), (30, 250, 60), (40, 60, 255))):
        image[:, 10 * number : 10 * number + 10] = colour
        masks[number, :, 10 * number : 10 * number + 10] = True
    found = contrasting_colours(image, masks)
    assert len(set(found)) == 3
    for mask, colour in zip(masks, found, strict=True):
        assert np.abs(image[mask][0].astype(int) - colour).max() > 150


def test_a_picture_a_million_pixels_wide_is_drawn() -> None:
    masks = np.ones((1, 4, 1_000_000), dtype=bool)
    drawn = overlay(grey(4, 1_000_000), masks, boxes([0, 0, 1_000_000, 4]), np.array([1.0], "f4"))
    assert drawn.size == (1_000_000, 4)


def test_overlay_of_no_object_is_the_photograph() -> None:
    image = grey()
    drawn = overlay(image, np.zeros((0, 60, 80), dtype=bool), boxes(), np.zeros(0, "f4"))
    assert np.array_equal(np.asarray(drawn), image)


def test_a_label_at_the_edge_is_moved_into_the_picture() -> None:
    masks = np.zeros((1, 100, 100), dtype=bool)
    masks[0, 96:, 96:] = True
    drawn = np.asarray(overlay(grey(100, 100), masks, boxes([96, 96, 100, 100]), np.array([0.87], "f4")))
    label = (drawn[:95, :95] == contrasting_colours(grey(100, 100), masks)[0]).all(axis=-1)
    assert label.sum() > 20


def test_drawing_leaves_the_photograph_as_it_was() -> None:
    image, masks = grey(), np.ones((1, 60, 80), dtype=bool)
    overlay(image, masks, boxes([0, 0, 80, 60]), np.array([1.0], "f4"))
    segment_picture(image, np.zeros((60, 80), dtype=np.uint8))
    assert (image == 128).all()


def test_a_label_map_comes_back_from_a_png(tmp_path: Path) -> None:
    labels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    label_map(labels).save(tmp_path / "labels.png")
    with Image.open(tmp_path / "labels.png") as read:
        assert read.mode == "P"
        assert np.array_equal(np.asarray(read), labels)
        colours = np.asarray(read.convert("RGB")).reshape(256, 3)
    assert colours[0].tolist() == [0, 0, 0]
    assert len(np.unique(colours, axis=0)) == 256
    assert [tuple(colour) for colour in colours[1:4].tolist()] == palette(3)


def test_a_picture_of_segments_has_a_colour_for_each() -> None:
    segments = np.repeat(np.arange(4, dtype=np.uint8), 20)[None].repeat(60, axis=0)
    drawn = np.asarray(segment_picture(grey(), segments))
    assert drawn.shape == (60, 80, 3)
    assert len(np.unique(drawn.reshape(-1, 3), axis=0)) == 4


@pytest.mark.parametrize(
    ("count", "size"), [(1, (100, 100)), (3, (300, 100)), (4, (300, 200)), (7, (300, 300))]
)
def test_a_contact_sheet_is_a_grid(count: int, size: tuple[int, int]) -> None:
    pictures = [Image.new("RGB", (400, 200), "red")] * count
    sheet = contact_sheet(pictures, columns=3, side=100)
    assert sheet.size == size
    reds = (np.asarray(sheet) == (255, 0, 0)).all(axis=-1).sum()
    assert reds == count * 94 * 47


def test_a_contact_sheet_takes_palettes_and_slivers_and_leaves_its_pictures() -> None:
    sliver, labels = Image.new("RGB", (5000, 1)), label_map(np.ones((50, 40), dtype=np.uint8))
    assert contact_sheet([sliver, labels], columns=2, side=60).size == (120, 60)
    assert sliver.size == (5000, 1)
    assert labels.mode == "P"
