from pathlib import Path

import pytest

from slotlight.datasets.voc_file import read_annotation, read_list
from slotlight.errors import DatasetError


def annotation(path: Path, corners: str, size: str = "") -> Path:
    keys = ("xmin", "ymin", "xmax", "ymax")
    box = "".join(f"<{key}>{text}</{key}>" for key, text in zip(keys, corners.split(), strict=False))
    path.write_text(
        f"<annotation>{size}<object><name>raccoon</name><bndbox>{box}</bndbox></object></annotation>"
    )
    return path


@pytest.mark.parametrize(
    ("corners", "says"),
    [
        ("1 1 inf 5", "cannot be read .*xmax 'inf'"),
        ("1 1 nan 5", "four finite numbers"),
        ("1 1 1e300 5", "four finite numbers"),
        ("1 1 x 5", "xmax 'x'"),
        ("1 1 5", "ymax ''"),
        ("9 1 5 5", "swapped corners: 9, 1 to 5, 5"),
        ("1 9 5 5", "swapped corners"),
        ("0.1 0.2 0.5 0.9", "ends before the first pixel .* corners in pixels"),
        ("0 0 0 5", "ends before the first pixel"),
    ],
)
def test_broken_boxes_are_named(tmp_path: Path, corners: str, says: str) -> None:
    with pytest.raises(DatasetError, match=says) as error:
        read_annotation(annotation(tmp_path / "x.xml", corners))
    assert "object 1 (raccoon)" in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<annotation><object>",
        "<html></html>",
        "\0\1",
        '<?xml version="1.0" encoding="klingon"?><annotation/>',
        "<annotation><object><name>dog</name></object></annotation>",
    ],
)
def test_broken_files_are_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.xml"
    path.write_text(text)
    with pytest.raises(DatasetError, match=r"x\.xml"):
        read_annotation(path)


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is missing"):
        read_annotation(tmp_path / "x.xml")


@pytest.mark.parametrize(
    ("width", "expected"), [("20", (10, 20)), ("0", None), ("-3", None), ("x", None), ("inf", None)]
)
def test_sizes(tmp_path: Path, width: str, expected: tuple[int, int] | None) -> None:
    size = f"<size><width>{width}</width><height>10</height></size>"
    assert read_annotation(annotation(tmp_path / "x.xml", "1 1 5 5", size)).size == expected


def test_boxes_count_from_0_and_never_lie_before_it(tmp_path: Path) -> None:
    assert read_annotation(annotation(tmp_path / "x.xml", "0 3 5 7")).boxes_xyxy.tolist() == [[0, 2, 5, 7]]


@pytest.mark.parametrize(
    "text",
    [
        "a b (1)\nc\n",
        "a b (1)\r\nc\r\n\r\n",
        "\ufeffa b (1)\nc",
        "a b (1)  1\nc -1\n",
        "a b (1)\t1\nc\t-1\n",
        "a b (1).jpg\nJPEGImages/c.jpg\n",
        "a b (1)\nc\nc\n",
        "VOC2012\\JPEGImages\\a b (1).jpg\nc",
    ],
)
def test_lists_as_tools_write_them(tmp_path: Path, text: str) -> None:
    (tmp_path / "val.txt").write_bytes(text.encode())
    known = {"a b (1)": Path("a b (1).jpg"), "c": Path("c.jpg")}
    assert read_list(tmp_path / "val.txt", known) == ["a b (1)", "c"]


def test_two_folders_of_a_list_that_mean_one_photograph(tmp_path: Path) -> None:
    (tmp_path / "val.txt").write_text("one/a.jpg\ntwo/a.jpg\n")
    with pytest.raises(
        DatasetError, match=r"names one/a\.jpg and two/a\.jpg, but JPEGImages has only one a;"
    ):
        read_list(tmp_path / "val.txt", {"a": tmp_path / "a.jpg"})


def test_a_name_that_ends_like_a_flag(tmp_path: Path) -> None:
    (tmp_path / "val.txt").write_text("IMG 1\nIMG 0\nmissing 1\n")
    known = {"IMG 1": Path("x"), "IMG 0": Path("y")}
    assert read_list(tmp_path / "val.txt", known) == ["IMG 1", "IMG 0", "missing"]


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xff\xfe\x00"])
def test_lists_that_name_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "val.txt").write_bytes(content)
    with pytest.raises(DatasetError, match="The list"):
        read_list(tmp_path / "val.txt", {})
