import csv

from found_scenes import found_scenes
from slotlight.formats.boxes_csv import write_csv


def test_a_row_an_object(tmp_path):
    write_csv(found_scenes(tmp_path / "in"), tmp_path)
    with (tmp_path / "objects.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["object"], row["score"]) for row in rows[:3]] == [("1", "0.9"), ("2", "0.7"), ("3", "0.5")]
    corner = rows[1]
    assert [corner[side] for side in ("left", "top", "right", "bottom")] == ["60", "40", "80", "60"]
    assert (corner["area"], corner["class"], corner["width"]) == ("400", "object", "80")
    assert len(rows) == 6
