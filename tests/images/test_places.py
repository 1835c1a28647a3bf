"""Where photographs lie: stamps, and bytes that are missing."""

import pickle

import pytest

from slotlight.errors import ImageError
from slotlight.images.places import LocalFile, Located, Nowhere, Part, RemoteObject, place_of
from slotlight.images.remote import RemoteFile


def test_local_files_have_another_stamp_when_they_change(folder):
    place = LocalFile(str(folder / "a.jpg"))
    before = place.stamp()
    assert place.stamp() == before
    assert place.read() == (folder / "a.jpg").read_bytes()
    (folder / "a.jpg").write_text("another")
    assert place.stamp() != before
    (folder / "a.jpg").unlink()
    with pytest.raises(ImageError, match=r"a\.jpg cannot be read: No such file"):
        place.read()


def test_parts_of_files(folder):
    content = (folder / "a.jpg").read_bytes()
    part = Part(str(folder / "a.jpg"), (1, 2), 10, 20)
    assert part.read() == content[10:30]
    assert part.stamp() == [1, 2, 10, 20]
    with pytest.raises(ImageError, match="is truncated"):
        Part(str(folder / "a.jpg"), (), 10, len(content)).read()


def test_nowhere_says_why():
    with pytest.raises(ImageError, match="row 3 is empty"):
        Nowhere("row 3 is empty").read()


@pytest.mark.parametrize(
    ("reference", "base", "address"),
    [
        ("a.jpg", "/data", "/data/a.jpg"),
        ("/x/a.jpg", "/data", "/x/a.jpg"),
        ("s3://b/a.jpg", "/data", "s3://b/a.jpg"),
        ("x/a.jpg", "https://h/lists", "https://h/lists/x/a.jpg"),
    ],
)
def test_references_begin_at_the_table(reference, base, address):
    found, place = place_of(reference, base)
    assert found == address
    assert isinstance(place, RemoteObject if "://" in address else LocalFile)


@pytest.mark.parametrize(
    ("file", "number"),
    [
        ("17", 17),
        ("0", 0),
        ("017", None),
        ("-3", None),
        ("cat", None),
        ("9" * 15, 10**15 - 1),
        ("9" * 17, None),
    ],
)
def test_own_ids_that_are_numbers(file, number):
    assert Located(file, Nowhere(""), own=True).own_number == number
    assert Located(file, Nowhere("")).own_number is None


def test_places_go_to_other_processes():
    places = [LocalFile("a"), RemoteObject(RemoteFile("s3://b/a", (1, 2))), Part("a.tar", (1,), 2, 3)]
    assert pickle.loads(pickle.dumps(places)) == places
