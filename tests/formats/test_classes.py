from pathlib import Path

from found_scenes import found_scenes
from slotlight.formats.classes import Classes


def test_each_object_has_its_class_and_those_without_are_left_out(tmp_path: Path) -> None:
    found = found_scenes(tmp_path)
    first, second, *others = found.photographs()
    numbers = {
        first.key or first.file: [2, 0, 1][: len(first.annotations)],
        **{other.key or other.file: [0] * len(other.annotations) for other in others},
    }
    causes = {second.key or second.file: "its file is gone"}
    named = Classes(("cat", "dog"), numbers, causes, "a grouping").applied(found)
    assert named.classes == ("cat", "dog")
    rows = list(named.read())
    assert [named.class_of(annotation) for annotation in rows[0].annotations] == ["dog", "cat"]
    assert (rows[1].cause, list(rows[1].annotations)) == ("its file is gone", [])
    assert not any(row.annotations for row in rows[2:])
