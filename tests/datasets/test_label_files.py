from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo

from slotlight.datasets import VOID
from slotlight.datasets.label_files import is_empty_mask, read_binary_mask, read_label_map
from slotlight.errors import DatasetError, ImageError


@pytest.fixture
def photograph(tmp_path: Path) -> Path:
    path = tmp_path / "photograph.jpg"
    Image.new("RGB", (16, 12)).save(path)
    return path


def inside() -> np.ndarray:
    mask = np.zeros((12, 16), bool)
    mask[3:9, 2:11] = True
    return mask


def palette(indices: np.ndarray, colours: list[int]) -> Image.Image:
    image = Image.fromarray(indices.astype(np.uint8))
    image.putpalette(colours)
    return image


def grey(level: int, dtype: type = np.uint8) -> Image.Image:
    return Image.fromarray((inside() * level).astype(dtype))


def coloured(*colour: int) -> Image.Image:
    return Image.fromarray((inside()[..., None] * np.array(colour)).astype(np.uint8))


MASKS = {
    "0 and 1": grey(1),
    "0 and 255": grey(255),
    "0 and 100": grey(100),
    "bits": grey(255).convert("1"),
    "16 bits": grey(65535, np.uint16),
    "16 bits of 1": grey(1, np.uint16),
    "red": coloured(128, 0, 0),
    "dark blue": coloured(0, 0, 64),
    "a palette": palette(inside(), [0, 0, 0, 128, 0, 0]),
    "a palette that begins with white": palette(~inside(), [255, 255, 255, 0, 0, 0]),
    "a palette without black": palette(inside(), [10, 10, 10, 128, 0, 0]),
    "transparent": Image.fromarray(np.dstack([np.full((12, 16), 255, np.uint8), inside() * np.uint8(255)])),
    "RGBA": Image.fromarray(np.dstack([np.full((12, 16, 3), 255, np.uint8), inside() * np.uint8(255)])),
}


@pytest.mark.parametrize("kind", MASKS)
def test_what_is_not_background_is_foreground(tmp_path: Path, photograph: Path, kind: str) -> None:
    MASKS[kind].save(tmp_path / "mask.png")
    np.testing.assert_array_equal(read_binary_mask(tmp_path / "mask.png", photograph), inside())
    assert not is_empty_mask(tmp_path / "mask.png")


def test_metadata_costs_neither_a_mask_nor_a_photographs_size(tmp_path: Path, photograph: Path) -> None:
    about = PngInfo()
    about.add_text("Comment", "x" * 2_000_000, zip=True)
    MASKS["0 and 255"].save(tmp_path / "mask.png", pnginfo=about)
    Image.open(photograph).save(tmp_path / "photograph.png", pnginfo=about)
    assert read_binary_mask(tmp_path / "mask.png", tmp_path / "photograph.png").any()
    assert not is_empty_mask(tmp_path / "mask.png")


def test_many_objects_are_all_foreground(tmp_path: Path, photograph: Path) -> None:
    numbers = np.arange(192, dtype=np.uint8).reshape(12, 16) // 2
    Image.fromarray(numbers).save(tmp_path / "mask.png")
    np.testing.assert_array_equal(read_binary_mask(tmp_path / "mask.png", photograph), numbers > 0)


def test_soft_edges_are_cut_at_half(tmp_path: Path, photograph: Path) -> None:
    soft = Image.new("L", (160, 120))
    ImageDraw.Draw(soft).ellipse((20, 20, 120, 100), fill=255)
    levels = np.asarray(soft.resize((16, 12), Image.Resampling.BICUBIC)).copy()
    levels[0] = np.arange(16) * 6  # noise
    Image.fromarray(levels).save(tmp_path / "mask.png")
    np.testing.assert_array_equal(read_binary_mask(tmp_path / "mask.png", photograph), levels > 127)


@pytest.mark.parametrize(
    "image", [Image.new("L", (16, 12)), Image.new("RGBA", (16, 12)), Image.new("P", (16, 12))]
)
def test_empty_masks(tmp_path: Path, image: Image.Image) -> None:
    image.save(tmp_path / "mask.png")
    assert is_empty_mask(tmp_path / "mask.png")


def test_a_damaged_mask_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "mask.png").write_bytes(b"x")
    assert not is_empty_mask(tmp_path / "mask.png")


class TestColours:
    def test_vocs_colours_are_its_labels(self, tmp_path: Path, photograph: Path) -> None:
        colours = np.zeros((12, 16, 3), np.uint8)
        colours[0, 0], colours[0, 1], colours[0, 2] = (128, 0, 0), (64, 0, 128), (224, 224, 192)
        Image.fromarray(colours).save(tmp_path / "x.png")
        labels = read_label_map(tmp_path / "x.png", photograph, highest=20)
        assert labels[0, :4].tolist() == [1, 12, VOID, 0]

    def test_other_colours_are_numbered(self, tmp_path: Path, photograph: Path) -> None:
        colours = np.zeros((12, 16, 3), np.uint8)
        colours[0, 0], colours[0, 1] = (250, 50, 83), (1, 2, 3)
        Image.fromarray(colours).save(tmp_path / "x.png")
        assert read_label_map(tmp_path / "x.png", photograph)[0, :3].tolist() == [2, 1, 0]

    def test_a_palette_that_begins_with_white(self, tmp_path: Path, photograph: Path) -> None:
        palette(~inside(), [128, 0, 0, 0, 0, 0]).save(tmp_path / "x.png")
        np.testing.assert_array_equal(read_label_map(tmp_path / "x.png", photograph), inside())

    def test_grey_saved_as_colours(self, tmp_path: Path, photograph: Path) -> None:
        Image.fromarray(np.full((12, 16, 3), 7, np.uint8)).save(tmp_path / "x.png")
        assert np.unique(read_label_map(tmp_path / "x.png", photograph)).tolist() == [7]


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.full((12, 16), 65536 + 1, np.int32), "has label 65537"),
        (np.full((12, 16), 26001, np.uint16), "has label 26001"),
        (np.full((12, 16), 0.5, np.float32), "holds float32"),
        (np.full((12, 16), -1, np.int32), "has label -1"),
        (np.where(inside(), -1, 0).astype(np.int32), "has label -1"),
        (np.full((12, 16), np.nan, np.float32), "values that are not finite"),
        (np.full((12, 17), 1, np.uint8), "is 17×12 but its photograph is 16×12"),
    ],
)
def test_labels_out_of_range_are_named(
    tmp_path: Path, photograph: Path, array: np.ndarray, says: str
) -> None:
    Image.fromarray(array).save(tmp_path / "x.tif")
    with pytest.raises(DatasetError, match=says):
        read_label_map(tmp_path / "x.tif", photograph)


def test_a_damaged_photograph_is_named(tmp_path: Path) -> None:
    (tmp_path / "photograph.jpg").write_bytes(b"x")
    grey(1).save(tmp_path / "x.png")
    with pytest.raises(ImageError, match=r"photograph\.jpg"):
        read_label_map(tmp_path / "x.png", tmp_path / "photograph.jpg")
