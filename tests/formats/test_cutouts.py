import numpy as np
import pytest
from PIL import Image

from found_scenes import found_scenes, masks_of, photograph
from slotlight.errors import ImageError, OutputError
from slotlight.formats.cutouts import write_cutouts


def test_each_object_is_cut_out_of_its_photograph(tmp_path):
    found = found_scenes(tmp_path / "in")
    write_cutouts(found, tmp_path)
    first = next(found.photographs())
    image = np.asarray(Image.open(tmp_path / "in/a.png"))
    for number, (mask, box) in enumerate(
        zip(masks_of(first), first.boxes_xyxy().astype(int), strict=True), start=1
    ):
        left, top, right, bottom = box
        cutout = np.asarray(Image.open(tmp_path / f"cutouts/a/{number}.png"))
        assert np.array_equal(cutout[..., :3], image[top:bottom, left:right])
        assert np.array_equal(cutout[..., 3] > 0, mask[top:bottom, left:right])
    assert len(list((tmp_path / "cutouts").rglob("*.png"))) == 6


def test_photographs_that_are_gone_or_changed_are_one_sentence(tmp_path):
    found = found_scenes(tmp_path / "in")
    Image.new("RGB", (5, 5)).save(tmp_path / "in/a.png")
    with pytest.raises(OutputError, match=r"a\.png has changed since its objects were found"):
        write_cutouts(found, tmp_path)
    photograph(tmp_path / "in/a.png")
    (tmp_path / "in/b b.png").unlink()
    with pytest.raises(ImageError, match=r"b b\.png"):
        write_cutouts(found, tmp_path)
    assert not list(tmp_path.glob("*cutouts*"))
