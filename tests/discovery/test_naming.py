"""Names of pictures: whatever the photographs are called, their pictures lie below OUT and never meet."""

import os
import unicodedata
from pathlib import Path, PurePosixPath

from hypothesis import given, settings
from hypothesis import strategies as st

from slotlight.discovery.naming import picture_names

SUFFIXES = (".png", ".jpg", ".txt", ".xml")

PARTS = st.one_of(
    st.sampled_from(
        ["a", "A", "a.png", "a.jpg", "a.jpg.jpg", "..", ".", "b", "é", "é", "K", "K", "ß", "ss", "\udc80"]
    ),
    st.text(st.characters(exclude_characters="/\0", exclude_categories=("Cs",)), min_size=1, max_size=6),
    st.builds("".join, st.tuples(st.sampled_from(["x", "字", "é"]), st.just("y" * 80), st.just(".jpg"))),
    st.builds(
        lambda c, n, s: c * n + s,
        st.sampled_from("字xé"),
        st.integers(60, 251),
        st.sampled_from(["", ".png"]),
    ),
)
TREES = st.lists(st.lists(PARTS, min_size=1, max_size=5).map("/".join), min_size=1, max_size=12, unique=True)


def key(path: str) -> str:
    return unicodedata.normalize("NFC", path.casefold())


@settings(deadline=None)  # the first example imports
@given(TREES)
def test_any_tree_of_names(tree):
    by_file = {
        Path(name).resolve(): Path(name) for name in tree
    }  # each file once, as `find_photographs` gives them
    names = picture_names(list(by_file.values()))
    assert len(names) == len(by_file)
    outputs = [f"{name}{suffix}" for name in names.values() for suffix in SUFFIXES]
    assert len({key(name) for name in outputs}) == len(outputs)
    folders = {key(str(parent)) for name in outputs for parent in PurePosixPath(name).parents}
    assert not folders & {key(name) for name in outputs}
    for name in outputs:
        assert not name.startswith("/")
        assert ".." not in name.split("/")
        assert all(len(os.fsencode(part)) <= 200 for part in name.split("/"))


def test_names_that_people_expect():
    def named(*paths: str) -> list[str]:
        return list(picture_names([Path(path) for path in paths]).values())

    assert named("/x/one.jpg") == ["one"]
    assert named("/x/a.jpg", "/x/a.png", "/x/y/a.jpg", "/x/b.c.jpg") == ["a.jpg", "a.png", "y/a", "b.c"]
    assert named("../../pics/a.jpg", "b.jpg")[0].endswith("pics/a")


def test_names_do_not_depend_on_the_order():
    paths = [Path(p) for p in ("/x/a.jpg", "/x/a.png", "/x/a.jpg.jpg", "/x/a.png/c.gif")]
    assert picture_names(paths) == picture_names(paths[::-1])
    assert len(set(picture_names(paths).values())) == 4
