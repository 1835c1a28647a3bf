from pathlib import Path

from slotlight.discovery.record import Entry, Line, sorted_lines, whole_lines
from slotlight.images.places import LocalFile


def test_damaged_lines_are_left_out_and_the_others_come_in_any_order(tmp_path: Path) -> None:
    lines = [Line(f"{name}.jpg", name, number, [number]) for number, name in enumerate("cab", start=1)]
    texts = [line.encoded().encode() for line in lines]
    record = tmp_path / "record"
    damaged = texts[0].replace(b"c.jpg", b"d.jpg")
    record.write_bytes(b"".join([*texts, damaged, texts[1][:20]]))
    assert list(whole_lines(record)) == lines
    offsets = {"c.jpg": 0, "a.jpg": len(texts[0]), "b.jpg": len(texts[0] + texts[1])}
    assert [line.file for line in sorted_lines(record, offsets)] == ["a.jpg", "b.jpg", "c.jpg"]
    assert list(whole_lines(tmp_path / "absent")) == []


def test_a_photograph_with_an_id_of_its_own_keeps_its_address(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.touch()
    entry = Entry("id-7", "a", 7, [1], LocalFile(str(path)), address=str(path))
    failed = Line.failed(entry, "it is empty")
    assert entry.shown == str(path)
    assert failed.names == {"file": str(path), "key": "id-7"}
    assert failed.stamp[:1] == [1]
    assert len(failed.stamp) == 2  # and the time at which its permissions changed
    assert failed.found("x.jpg").cause == "it is empty"
