"""Tiles: where they lie, what becomes of what they find, and that nothing but the rule decides it."""

import numpy as np
import pytest
import torch
from PIL import Image

import slotlight
from slotlight.baselines.segmenters import PixelMethod, PixelSegmenter
from slotlight.config import ObjectRule
from slotlight.discovery.discoverer import Discoverer, Tagged
from slotlight.discovery.segments import finest_grid
from slotlight.discovery.tiles import Tile, distinct, placed, tiles_of
from slotlight.errors import ConfigError, ImageError
from slotlight.segmenter import SlotMasks


@pytest.mark.parametrize(("size", "count"), [((480, 640), 2), ((97, 1001), 3), ((3000, 4000), 10)])
def test_tiles_cover_the_photograph_and_overlap_by_a_quarter(size: tuple[int, int], count: int) -> None:
    tiles = tiles_of(size, count)
    assert len(tiles) == count**2
    seen = np.zeros(size, np.uint8)
    for tile in tiles:
        seen[tile.top : tile.bottom, tile.left : tile.right] += 1
    assert seen.min() == 1
    first, second = tiles[0], tiles[1]
    assert (first.right - second.left) / (first.right - first.left) == pytest.approx(0.25, abs=0.02)


def test_masks_of_a_tile_come_to_lie_where_they_were() -> None:
    size, tile = (1500, 3000), Tile(600, 1400, 1100, 2400)
    pixels = np.zeros((1, 500, 1000), bool)
    pixels[:, 100:300, 250:750] = True
    masks = placed(pixels, tile, size)
    rows, columns = finest_grid(size)
    assert masks.shape == (1, rows, columns)
    found_rows, found_columns = np.flatnonzero(masks[0].any(axis=1)), np.flatnonzero(masks[0].any(axis=0))
    cell = 3000 / columns
    assert found_rows[[0, -1]] * cell == pytest.approx([700, 900], abs=1.5 * cell)
    assert found_columns[[0, -1]] * cell == pytest.approx([1650, 2150], abs=1.5 * cell)


def test_of_objects_that_are_nearly_one_the_best_stays() -> None:
    masks = np.zeros((5, 20, 20), bool)
    masks[0, 2:12, 2:12] = True
    masks[1, 3:12, 2:12] = True  # the same again
    masks[2, 4:6, 4:6] = True  # a part
    masks[3, 10:18, 10:18] = True  # overlaps a little
    masks[4] = True  # holds all
    assert distinct(masks).tolist() == [0, 2, 3, 4]
    assert distinct(masks[:0]).tolist() == []


def bright(images: torch.Tensor, seed: int) -> SlotMasks:
    """What is bright is an object, but only where it is at least a hundredth of what is looked at."""
    del seed
    mask = (images.mean(dim=1) > 0.5).float()
    scores = torch.stack([torch.zeros(len(images)), 0.9 * (mask.mean(dim=(1, 2)) > 0.01).float()], dim=1)
    return SlotMasks(torch.stack([1 - mask, mask], dim=1), scores)


@pytest.fixture
def closer() -> Discoverer:
    segmenter = PixelSegmenter("bright", PixelMethod("what is bright", bright, image_size=64))
    return Discoverer(segmenter, rule=ObjectRule(tiles=2, min_area=0.0))


def dotted(side: int, *dots: tuple[int, int], width: int) -> np.ndarray:
    image = np.zeros((side, side, 3), np.uint8)
    for top, left in dots:
        image[top : top + width, left : left + width] = 255
    return image


def test_tiles_find_what_the_whole_is_too_large_for(closer: Discoverer) -> None:
    image = dotted(400, (50, 60), (180, 190), width=28)  # the second lies in all four tiles
    whole = Discoverer(closer.segmenter, rule=ObjectRule(min_area=0.0)).discover(image)
    found = closer.discover(image)
    assert len(whole) == 0
    assert (
        np.abs(
            found.boxes_xyxy[found.boxes_xyxy[:, 0].argsort()] - [[60, 50, 88, 78], [190, 180, 218, 208]]
        ).max()
        <= 4
    )
    assert np.array_equal(found.segments, whole.segments)
    assert found.scores[0] == pytest.approx(0.45)  # half of what a tile says
    sure = Discoverer(closer.segmenter, rule=ObjectRule(tiles=2, min_area=0.0, min_score=0.5))
    assert len(sure.discover(image)) == 0


def test_what_a_tile_cuts_is_left_to_the_whole(closer: Discoverer) -> None:
    image = dotted(400, (150, 20), width=240)  # wider than a tile from its left side on
    found = closer.discover(image)
    assert len(found) == 1
    assert np.abs(found.boxes_xyxy[0] - [20, 150, 260, 390]).max() <= 8


def test_small_photographs_have_no_tiles(closer: Discoverer) -> None:
    image = dotted(90, (20, 20), width=8)
    plain = Discoverer(closer.segmenter, rule=ObjectRule(min_area=0.0))
    assert len(closer.discover(image)) == len(plain.discover(image)) == 0


def test_a_stream_keeps_order_tags_paths_and_faults(closer: Discoverer, tmp_path) -> None:
    for number, side in enumerate((400, 90, 300)):
        Image.fromarray(dotted(side, (20, 30), width=28)).save(tmp_path / f"{number}.png")
    (tmp_path / "1b.png").write_bytes(b"no picture")
    given = [Tagged(path, path.name) for path in sorted(tmp_path.iterdir())]
    faults: list[tuple[object, ImageError]] = []
    found = list(closer.stream(given, batch_size=2, on_error=lambda one, fault: faults.append((one, fault))))
    assert [one.tag for one in found] == ["0.png", "1.png", "2.png"]
    assert [one.path for one in found] == [tmp_path / str(one.tag) for one in found]
    assert [one.image.shape[0] for one in found] == [400, 90, 300]
    assert [fault[0] for fault in faults] == [given[2]]
    alone = [closer.discover(tmp_path / str(one.tag)) for one in found]
    assert all(np.array_equal(a.coarse_masks, b.coarse_masks) for a, b in zip(found, alone, strict=True))
    with pytest.raises(ImageError):
        list(closer.stream(given))


def test_nonsense_is_refused() -> None:
    with pytest.raises(ConfigError, match="tiles is 0; it must be at least 1"):
        ObjectRule(tiles=0)
    with pytest.raises(ConfigError, match="tiles is 11; it must be at most 10"):
        ObjectRule(tiles=11)
    with pytest.raises(ConfigError, match="leave --proposals or --tiles out"):
        ObjectRule(tiles=2, proposals=True)


@pytest.mark.slow
def test_a_run_is_told_from_one_with_other_tiles(photo_paths, tmp_path) -> None:
    from slotlight.cli.discover import discover
    from slotlight.errors import OutputError

    two = ObjectRule(tiles=2)
    assert discover((str(photo_paths[0]),), out=tmp_path / "found", rule=two) == 0
    first = (tmp_path / "found/objects.json").read_bytes()
    assert discover((str(photo_paths[0]),), out=tmp_path / "again", rule=two) == 0
    assert (tmp_path / "again/objects.json").read_bytes() == first
    with pytest.raises(OutputError, match="tiles was 2 and is now 1"):
        discover((str(photo_paths[0]),), out=tmp_path / "found")
    assert len(slotlight.load(rule=two).discover(photo_paths[0])) >= 1
