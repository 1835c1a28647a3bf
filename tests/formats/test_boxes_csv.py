import csv

from found_scenes import found_scenes
from slotlight.formats.boxes_csv import write_csv
from slotlight.formats.order import write_uncertain_first


def test_a_row_an_object(tmp_path):
    write_csv(found_scenes(tmp_path / "in"), tmp_path)
    with (tmp_path / "objects.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["object"], row["score"]) for row in rows[:3]] == [("1", "0.9"), ("2", "0.7"), ("3", "0.5")]
    corner = rows[1]
    assert [corner[side] for side in ("left", "top", "right", "bottom")] == ["60", "40", "80", "60"]
    assert (corner["area"], corner["class"], corner["width"]) == ("400", "object", "80")
    assert len(rows) == 6


def test_photographs_without_a_sure_object_come_first(tmp_path):
    write_uncertain_first(found_scenes(tmp_path / "in"), tmp_path)
    with (tmp_path / "uncertain-first.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["file_name"][-5:], row["certainty"]) for row in rows] == [
        ("c.png"[-5:], "0.0"),
        ("b.png"[-5:], "0.35"),
        ("a.png"[-5:], "0.7"),
    ]
