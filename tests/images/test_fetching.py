"""Bytes of photographs from anywhere, as they come."""

import time
from pathlib import Path

import pyarrow
import pyarrow.parquet

from slotlight.errors import ImageError
from slotlight.images.fetching import FETCHERS, fetch
from slotlight.images.files import Encoded
from slotlight.images.places import Located, Part, RemoteObject
from slotlight.images.remote import RemoteFile
from slotlight.images.tables import in_parquet


def at(url):
    return Located(url, RemoteObject(RemoteFile(url)))


def test_each_comes_once_whatever_it_is(folder, web):
    pyarrow.parquet.write_table(pyarrow.table({"image": [b"r0", b"r1", b"", b"r3"]}), folder / "p.parquet")
    start = Part(str(folder / "a.jpg"), (), 0, 4)
    photographs = [
        *(Located.at(folder / "a.jpg"), at(f"{web.url}/b.png"), at(f"{web.url}/gone.jpg")),
        *in_parquet(str(folder / "p.parquet")),
        *(Located("part", start), at(f"{web.url}/sub/c.jpg"), Located.at("missing.jpg")),
    ]
    found = {photograph.file: content for photograph, content in fetch(photographs)}
    assert len(found) == len(photographs) == 10
    assert found[str(folder / "a.jpg")] == folder / "a.jpg"
    assert found["missing.jpg"] == Path("missing.jpg")
    assert found[f"{web.url}/b.png"] == Encoded(f"{web.url}/b.png", (folder / "b.png").read_bytes())
    assert found["part"] == Encoded("part", (folder / "a.jpg").read_bytes()[:4])
    rows = [found[f"{folder}/p.parquet/{number}"] for number in range(4)]
    assert [row.content for row in rows if isinstance(row, Encoded)] == [b"r0", b"r1", b"r3"]
    failed = {name for name, content in found.items() if isinstance(content, ImageError)}
    assert failed == {f"{web.url}/gone.jpg", f"{folder}/p.parquet/2"}


def test_a_slow_one_keeps_no_other_waiting(web, monkeypatch):
    monkeypatch.setattr("slotlight.images.remote.SECONDS", 1.5)
    monkeypatch.setattr("slotlight.images.remote.TRIES", 1)
    photographs = [at(f"{web.url}/slow/a.jpg"), *(at(f"{web.url}/a.jpg?{number}") for number in range(100))]
    order = [photograph.file for photograph, _ in fetch(photographs)]
    assert len(set(order)) == 101
    assert order.index(f"{web.url}/slow/a.jpg") > 20
    assert set(web.asked.values()) == {1}  # nothing is asked for twice


def test_no_more_is_read_than_is_taken(web):
    asked = 0

    def photographs():
        nonlocal asked
        for number in range(1000):
            asked += 1
            yield at(f"{web.url}/a.jpg?{number}")

    contents = fetch(photographs())
    for _ in range(5):
        next(contents)
    assert asked <= 3 * FETCHERS
    contents.close()


def test_leaving_waits_for_no_server(web):
    contents = fetch([at(f"{web.url}/a.jpg"), at(f"{web.url}/slow/a.jpg"), at(f"{web.url}/slow/b.jpg")])
    next(contents)
    start = time.perf_counter()
    contents.close()
    assert time.perf_counter() - start < 5
