import json

import numpy as np
from PIL import Image

from reviews import HEIGHT, WIDTH, opened, press
from slotlight.review.picture import Sheet, draw, piece_at


def test_the_picture_shows_each_piece(found):
    folder = opened(found)
    press(folder, "d", "ArrowDown")
    sheet = Sheet.of(folder)
    picture = np.asarray(draw(sheet, folder.review))
    assert not sheet.fault
    assert picture.shape == (HEIGHT, WIDTH, 3)
    photograph = (40, 60, 80)
    assert tuple(picture[15, 15]) == photograph  # dropped: a grey line around it, and no colour
    assert tuple(picture[15, 5]) == (150, 150, 150)
    assert tuple(picture[30, 40]) != photograph  # kept
    assert tuple(picture[25, 30]) == (255, 255, 255)  # selected
    assert tuple(picture[35, 65]) != photograph
    assert tuple(picture[2, 2]) == photograph
    assert [
        piece_at(sheet, folder.review, x, y) for x, y in ((15, 15), (40, 30), (70, 30), (1, 1), (999, 1))
    ] == [*(0, 1, 2, None, None)]
    press(folder, "m", "ArrowDown", "m")
    union = np.asarray(draw(sheet, folder.review))
    assert piece_at(sheet, folder.review, 70, 30) == piece_at(sheet, folder.review, 40, 30) == 1
    tints = [union[30, 40].astype(int) - photograph, union[40, 66].astype(int) - photograph]
    np.testing.assert_array_equal(*tints)


def test_a_photograph_that_is_gone_or_changed_is_said(found):
    folder = opened(found)
    press(folder, "ArrowRight", "ArrowRight")
    sheet = Sheet.of(folder)
    assert "three.png cannot be read: No such file" in sheet.fault
    assert np.asarray(draw(sheet, folder.review)).shape == (HEIGHT, WIDTH, 3)
    Image.new("RGB", (HEIGHT, WIDTH)).save(found.parent / "three.png")
    assert "60×80 pixels and had 80×60" in Sheet.of(folder).fault


def test_a_damaged_object_is_said(found):
    content = json.loads((found / "objects.json").read_text())
    content["annotations"][0]["segmentation"]["counts"] = "0"
    content["annotations"][3].pop("segmentation")
    (found / "objects.json").write_text(json.dumps(content))
    folder = opened(found)
    assert "annotation 11 has run lengths" in Sheet.of(folder).fault
    draw(Sheet.of(folder), folder.review)
    press(folder, "ArrowRight", "ArrowRight")
    assert "annotation 14 has no mask" in Sheet.of(folder).fault
