"""Lists, CSV manifests and Parquet: own ids, addresses, bytes."""

import random

import pyarrow
import pyarrow.parquet
import pytest

from slotlight.errors import ImageError
from slotlight.images.places import LocalFile, Nowhere, RemoteObject
from slotlight.images.tables import Row, in_list, in_manifest, in_parquet, read_rows


def write_parquet(path, rows_a_group=4, **columns):
    pyarrow.parquet.write_table(pyarrow.table(columns), path, row_group_size=rows_a_group)
    return str(path)


def test_a_list_of_paths_and_urls(tmp_path):
    (tmp_path / "list.txt").write_bytes("﻿a b.jpg\r\n\n/x/ü.jpg\ns3://b/c.jpg\n".encode() + b"\xff.jpg")
    found = list(in_list(str(tmp_path / "list.txt")))
    assert [one.file for one in found] == [
        *(f"{tmp_path}/a b.jpg", "/x/ü.jpg", "s3://b/c.jpg", f"{tmp_path}/\udcff.jpg")
    ]
    assert isinstance(found[0].place, LocalFile)
    assert isinstance(found[2].place, RemoteObject)


def test_a_list_on_a_server(folder, web):
    (folder / "list.txt").write_text("a.jpg\nsub/c.jpg\n")
    found = list(in_list(f"{web.url}/list.txt"))
    assert [one.file for one in found] == [f"{web.url}/a.jpg", f"{web.url}/sub/c.jpg"]
    assert found[0].place.read() == (folder / "a.jpg").read_bytes()


def test_a_manifest_with_ids_of_its_own(tmp_path):
    (tmp_path / "m.csv").write_text('ID,note,Path\ncat-1,"two\nlines",a.jpg\n,none,b.jpg\n7,x,\n')
    found = list(in_manifest(str(tmp_path / "m.csv")))
    assert [(one.file, one.address, one.own) for one in found] == [
        ("cat-1", f"{tmp_path}/a.jpg", True),
        (f"{tmp_path}/b.jpg", "", False),
        ("7", "", True),
    ]
    assert isinstance(found[2].place, Nowhere)
    with pytest.raises(ImageError, match="does not say where 7 is"):
        found[2].place.read()


@pytest.mark.parametrize("text", ["id,picture\n1,a.jpg\n", "", "\n"])
def test_a_manifest_without_addresses(tmp_path, text):
    (tmp_path / "m.csv").write_text(text)
    with pytest.raises(ImageError, match="call the one that locates the photographs path, "):
        list(in_manifest(str(tmp_path / "m.csv")))


def test_a_manifest_that_is_no_text(tmp_path):
    (tmp_path / "m.csv").write_bytes(b'url\n"a\x00b\n' + b"x" * 200_000)
    with pytest.raises(ImageError, match=r"line .*save it as CSV"):
        list(in_manifest(str(tmp_path / "m.csv")))


CONTENTS = [f"photograph {number}".encode() for number in range(10)]


@pytest.mark.parametrize("nested", [False, True])
def test_parquet_of_bytes(tmp_path, nested):
    column = [{"bytes": content, "path": None} for content in CONTENTS] if nested else CONTENTS
    file = write_parquet(tmp_path / "p.parquet", image=column, label=list(range(10)))
    found = list(in_parquet(file))
    assert [one.file for one in found] == [f"{file}/{number}" for number in range(10)]
    assert [one.place.group for one in found] == [f"{file}#{number // 4}" for number in range(10)]
    assert [one.place.read() for one in found] == CONTENTS
    rows = [one.place for one in found[4:8]]
    assert list(read_rows(rows)) == CONTENTS[4:8]
    assert list(read_rows(rows[1::2])) == CONTENTS[5:8:2]


def test_parquet_of_addresses_and_ids(folder, web):
    url = [f"{web.url}/a.jpg", "b.png", None]
    file = write_parquet(folder / "p.parquet", key=[5, 6, 7], url=url)
    for found in (list(in_parquet(file)), list(in_parquet(f"{web.url}/p.parquet"))):
        assert [one.file for one in found] == ["5", "6", "7"]
        assert [one.own_number for one in found] == [5, 6, 7]
        assert found[0].place.read() == (folder / "a.jpg").read_bytes()
        assert found[1].place.read() == (folder / "b.png").read_bytes()
        assert isinstance(found[2].place, Nowhere)


def test_parquet_on_a_server_is_read_once(folder, web):
    contents = [random.Random(number).randbytes(300_000) for number in range(12)]
    file = write_parquet(folder / "p.parquet", bytes=contents, id=[f"n{number}" for number in range(12)])
    size = (folder / "p.parquet").stat().st_size
    found = list(in_parquet(f"{web.url}/p.parquet"))
    assert web.bytes_sent < size / 2
    before = web.bytes_sent
    for group in range(3):
        rows = [one.place for one in found[4 * group : 4 * group + 4]]
        assert list(read_rows(rows)) == contents[4 * group : 4 * group + 4]
    assert web.bytes_sent - before < 1.3 * size
    assert file


def test_rows_that_are_missing(tmp_path):
    file = write_parquet(tmp_path / "p.parquet", image=[b"one", None])
    rows = [Row(file, (), 0, number, "image") for number in range(4)]
    one, two, *rest = read_rows(rows)
    assert one == b"one"
    assert "holds nothing in row 1" in str(two)
    assert ["has fewer rows than before" in str(fault) for fault in rest] == [True, True]
    (tmp_path / "p.parquet").write_bytes(b"PAR1 no PAR1")
    with pytest.raises(ImageError, match="is not Parquet, or is damaged"):
        rows[0].read()


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"picture": ["a.jpg"]}, "has the columns picture; call the one"),
        ({"one": [b"1"], "two": [b"2"]}, r"several columns of bytes \(one, two\)"),
    ],
)
def test_parquet_without_photographs(tmp_path, columns, says):
    with pytest.raises(ImageError, match=says):
        list(in_parquet(write_parquet(tmp_path / "p.parquet", **columns)))
