import csv

from found_scenes import found_scenes
from slotlight.formats.order import write_uncertain_first


def test_photographs_without_a_sure_object_come_first(tmp_path):
    write_uncertain_first(found_scenes(tmp_path / "in"), tmp_path)
    with (tmp_path / "uncertain-first.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["file_name"][-5:], row["certainty"]) for row in rows] == [
        ("c.png"[-5:], "0.0"),
        ("b.png"[-5:], "0.35"),
        ("a.png"[-5:], "0.7"),
    ]
