import json
import re
from pathlib import Path


def test_every_report_says_how_often_scores_are_right(page: Path) -> None:
    table = next(
        table
        for table in json.loads((page.parent / "report.json").read_text())["tables"]
        if table["protocol"] == "detection"
    )
    found = next(row["reliability"] for row in table["rows"] if row["model"] == "kmeans-colour")
    filled = [bin for bin, count in enumerate(found["counts"]) if count]
    assert len(filled) > 2
    markdown, shown = ((page.parent / name).read_text() for name in ("report.md", "terminal.txt"))
    for bin in filled:
        share, count = 100 * found["right"][bin], found["counts"][bin]
        assert f"| {10 * bin} to {10 * bin + 10} | {share:.1f} of {count:,} |" in markdown
        assert re.search(f"{10 * bin} to {10 * bin + 10} +│ +{share:.1f} of {count:,} ", shown)
        assert f"<td>{share:.1f} of {count:,}</td>" in page.read_text()
    assert page.read_text().count("Reliability: objects that are right") == 2  # its chart's caption and label
