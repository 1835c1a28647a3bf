"""Polygons drawn back, in the convention of the tool that they are for."""

import numpy as np
import pytest
import supervision
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from pycocotools import mask as coco_masks

from found_scenes import SHAPES, iou
from slotlight.formats.polygons import centre_polygon, edge_polygons

JOINED = {"parts", "blob", "many blobs"}  # of several parts, which one YOLO polygon joins by painted lines


def drawn_by_coco(mask: np.ndarray) -> np.ndarray:
    polygons = [polygon.ravel().tolist() for polygon in edge_polygons(mask)]
    codes = coco_masks.frPyObjects(polygons, *mask.shape)
    return np.asarray(coco_masks.decode(coco_masks.merge(codes)), dtype=bool)


def drawn_by_opencv(mask: np.ndarray) -> np.ndarray:
    """supervision paints with OpenCV, or as OpenCV does where that is not installed."""
    points = centre_polygon(mask).astype(int)
    return supervision.polygon_to_mask(np.resize(points, (max(3, len(points)), 2)), mask.shape[::-1]) > 0


def drawn_by_pil(mask: np.ndarray) -> np.ndarray:
    picture = Image.new("L", mask.shape[::-1])
    points = centre_polygon(mask).astype(int)
    ImageDraw.Draw(picture).polygon([tuple(point) for point in [*points, points[0]]], fill=1, outline=1)
    return np.asarray(picture) > 0


@pytest.mark.parametrize("name", SHAPES)
def test_coco_draws_exactly_the_mask(name):
    assert SHAPES[name].sum() >= 32
    assert np.array_equal(drawn_by_coco(SHAPES[name]), SHAPES[name])


@pytest.mark.parametrize("draw", [drawn_by_opencv, drawn_by_pil])
@pytest.mark.parametrize("name", [name for name in SHAPES if name not in JOINED])
def test_painters_of_outlines_draw_the_mask(name, draw):
    assert iou(draw(SHAPES[name]), SHAPES[name]) >= 0.98


@pytest.mark.parametrize("name", sorted(JOINED))
def test_parts_are_joined_by_lines_of_a_pixel(name):
    drawn, mask = drawn_by_opencv(SHAPES[name]), SHAPES[name]
    assert not (mask & ~drawn).any()
    assert (drawn & ~mask).sum() < 0.05 * mask.sum()


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.data())
def test_any_mask_comes_back_from_coco(height, width, data):
    cells = data.draw(st.lists(st.booleans(), min_size=height * width, max_size=height * width))
    mask = np.array(cells).reshape(height, width)
    if mask.any():
        assert np.array_equal(drawn_by_coco(mask), mask)
        assert not (mask & ~drawn_by_opencv(mask)).any()


def test_points_on_straight_lines_are_left_out():
    assert len(edge_polygons(SHAPES["all"])[0]) == 4
    assert len(centre_polygon(SHAPES["diagonal"])) == 2


def test_an_empty_mask_has_no_polygon():
    assert edge_polygons(np.zeros((3, 4), bool)) == []
    assert len(centre_polygon(np.zeros((3, 4), bool))) == 0
