import numpy as np
import pytest
from faster_coco_eval.core import mask as run_lengths
from hypothesis import given
from hypothesis import strategies as st

from slotlight.datasets.coco_geometry import _uncompress, complete
from slotlight.errors import DatasetError

SIZE = (10, 20)
SQUARE = [4, 2, 9, 2, 9, 6, 4, 6]


def mask() -> np.ndarray:
    square = np.zeros(SIZE, np.uint8)
    square[2:6, 4:9] = 1
    return square


def runs() -> list[int]:
    flat = mask().ravel(order="F")
    edges = np.flatnonzero(np.diff(flat)) + 1
    return np.diff([0, *edges, flat.size]).tolist()


def code(counts: object, size: object = None) -> dict:
    return {"size": list(SIZE) if size is None else size, "counts": counts}


COMPRESSED = run_lengths.encode(np.asfortranarray(mask()))["counts"]
COMPRESSED = COMPRESSED.decode() if isinstance(COMPRESSED, bytes) else COMPRESSED


@pytest.mark.parametrize(
    "segmentation",
    [
        [SQUARE],
        SQUARE,
        [[x, y] for x, y in zip(SQUARE[::2], SQUARE[1::2], strict=True)],
        [SQUARE, []],
        [SQUARE, [1, 1, 2, 2]],
        code(runs()),
        code([float(run) for run in runs()]),
        code(COMPRESSED),
    ],
)
def test_every_form_is_the_same_mask_box_and_area(segmentation: object) -> None:
    found = complete({"segmentation": segmentation}, SIZE, "a.json, annotation 1")
    np.testing.assert_array_equal(run_lengths.decode(found["segmentation"]), mask())
    assert found["bbox"] == [4, 2, 5, 4]
    assert found["area"] == 20


@pytest.mark.parametrize("segmentation", [None, [], {}, [[]]])
def test_boxes_alone(segmentation: object) -> None:
    found = complete({"segmentation": segmentation, "bbox": [1.5, 2, 3, 4]}, SIZE, "x")
    assert "segmentation" not in found
    assert found["area"] == 12


def test_what_is_stated_is_kept() -> None:
    stated = {"id": 3, "bbox": [0, 0, 9, 9], "area": 7, "segmentation": [SQUARE]}
    assert {k: v for k, v in complete(stated, SIZE, "x").items() if k != "segmentation"} == {
        k: v for k, v in stated.items() if k != "segmentation"
    }


@pytest.mark.parametrize(
    ("annotation", "says"),
    [
        ({}, "neither a bbox nor a segmentation"),
        ({"bbox": [1, 2, -3, 4]}, r"has the bbox \[1, 2, -3, 4\]; it must be"),
        ({"bbox": [1, 2, float("nan"), 4]}, "has the bbox"),
        ({"bbox": [1, 2, float("inf"), 4]}, "has the bbox"),
        ({"bbox": [1, 2, 3]}, "has the bbox"),
        ({"bbox": "1 2 3 4"}, "has the bbox"),
        ({"bbox": [1, 2, 3, 4], "area": float("nan")}, "has the area nan"),
        ({"bbox": [1, 2, 3, 4], "area": -1}, "has the area -1"),
        ({"segmentation": "x"}, "has the segmentation"),
        ({"segmentation": [[1, 2, 3, 4]]}, "fewer than 3 points"),
        ({"segmentation": [[1, 2, 3, 4, 5, 6, 7]]}, "7 numbers; it needs two for each point"),
        ({"segmentation": [[1, 2, 3, 4, 5, float("nan")]]}, "not finite"),
        ({"segmentation": [[1, 2, 3, 4, 5, 1e9]]}, "far outside its 20×10 image"),
        ({"segmentation": [[1, 2, 3, 4, 5, "6"]]}, "not a list of numbers"),
        ({"segmentation": [{"x": 1}]}, "not a list of numbers"),
        ({"segmentation": code(runs(), [20, 10])}, r"size \[20, 10\] is \[width, height\]"),
        ({"segmentation": code(runs(), [5, 5])}, r"is not its image's \[10, 20\]"),
        ({"segmentation": code([1, 2, 3])}, "do not add up to the 200 pixels"),
        ({"segmentation": code([10**12])}, "do not add up"),
        ({"segmentation": code([-5, 205])}, "do not add up"),
        ({"segmentation": code([1.5, 198.5])}, "without a text or a list"),
        ({"segmentation": code("")}, "do not add up"),
        ({"segmentation": code("ab\0é")}, "do not add up"),
        ({"segmentation": {"counts": runs()}}, "whose size None"),
        ({"segmentation": {"size": list(SIZE)}}, "without a text or a list"),
    ],
)
def test_what_is_broken_is_named(annotation: dict, says: str) -> None:
    with pytest.raises(DatasetError, match=says) as error:
        complete(annotation, SIZE, "In a.json, annotation 1")
    assert "In a.json, annotation 1" in str(error.value)


@given(st.lists(st.integers(0, 1), min_size=1, max_size=300))
def test_compressed_runs_agree_with_coco(pixels: list[int]) -> None:
    column = np.asfortranarray(np.array(pixels, np.uint8)[:, None])
    text = run_lengths.encode(column)["counts"]
    found = list(_uncompress(text.decode() if isinstance(text, bytes) else text))
    expected = np.repeat(np.arange(len(found)) % 2, found)
    np.testing.assert_array_equal(expected, pixels)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_mask_and_box_turn_together(orientation: int) -> None:
    found = complete({"segmentation": [SQUARE], "bbox": [4, 2, 5, 4]}, SIZE, "x", orientation)
    assert found["bbox"] == list(run_lengths.toBbox(found["segmentation"]))
    assert found["area"] == 20
