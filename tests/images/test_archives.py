"""Photographs in tars, local and remote."""

import io
import tarfile

import pytest

from slotlight.errors import ImageError
from slotlight.images.archives import in_archive


def make_tar(path, members):
    with tarfile.open(path, "w") as archive:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return str(path)


def test_a_web_dataset(folder, web):
    long = "sub/" + "long" * 40 + ".jpg"
    members = [
        *(("0001.jpg", b"one"), ("0001.json", b"{}"), ("0002.PNG", b"two")),
        *((".hidden.jpg", b"x"), (long, b"three"), ("0001.jpg", b"one, again")),
    ]
    tar = make_tar(folder / "shard-0.tar", members)
    found = in_archive(tar)
    assert [one.file for one in found] == [f"{tar}/0001.jpg", f"{tar}/0002.PNG", f"{tar}/{long}"]
    assert [one.place.read() for one in found] == [b"one, again", b"two", b"three"]
    assert len({tuple(one.place.stamp()) for one in found}) == 3
    remote = in_archive(f"{web.url}/shard-0.tar")
    assert [one.file for one in remote] == [
        f"{web.url}/shard-0.tar/{name}" for name in ("0001.jpg", "0002.PNG", long)
    ]
    assert [one.place.read() for one in remote] == [b"one, again", b"two", b"three"]


def test_only_headers_are_read_before_the_photographs(folder, web):
    make_tar(folder / "big.tar", [(f"{number}.jpg", bytes(2_000_000)) for number in range(3)])
    found = in_archive(f"{web.url}/big.tar")
    assert web.bytes_sent < 500_000
    before = web.bytes_sent
    assert found[1].place.read() == bytes(2_000_000)
    assert web.bytes_sent == before + 2_000_000


def test_an_archive_that_changes_has_other_stamps(folder):
    tar = make_tar(folder / "x.tar", [("a.jpg", b"one")])
    before = in_archive(tar)[0].place.stamp()
    assert in_archive(tar)[0].place.stamp() == before
    make_tar(folder / "x.tar", [("a.jpg", b"two"), ("b.jpg", b"two")])
    assert in_archive(tar)[0].place.stamp() != before


def test_what_is_no_archive(folder):
    (folder / "x.tar").write_bytes(b"no tar" * 500)
    with pytest.raises(ImageError, match=r"x\.tar is not a tar, or is damaged"):
        in_archive(str(folder / "x.tar"))
    tar = make_tar(folder / "cut.tar", [(f"{n}.jpg", bytes(3000)) for n in range(5)])
    whole = (folder / "cut.tar").read_bytes()
    (folder / "cut.tar").write_bytes(whole[:5000])
    with pytest.raises(ImageError, match=r"cut\.tar is not a tar, or is damaged \(unexpected end of data\)"):
        in_archive(tar)
    with pytest.raises(ImageError, match="holds no photograph"):
        in_archive(make_tar(folder / "texts.tar", [("a.txt", b"text")]))
    with pytest.raises(ImageError, match="No such file"):
        in_archive(str(folder / "nowhere.tar"))
