import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from slotlight.baselines import build_baseline
from slotlight.cli.evaluation import run_evaluation
from slotlight.datasets import DatasetSource, FolderDataset, SyntheticDataset
from slotlight.datasets.synthetic import draw_scene
from slotlight.discovery.discoverer import Discoverer
from slotlight.errors import ConfigError, UnknownNameError
from slotlight.evaluation.curves import Curve
from slotlight.evaluation.options import EvaluationOptions
from slotlight.evaluation.run import evaluate
from slotlight.evaluation.tables import Row
from slotlight.report.charts import LEFT, charts_of
from slotlight.report.galleries import choose
from slotlight.report.terminal import print_tables
from slotlight.report.write import write_report

PROTOCOLS = ["paper", "detection", "saliency"]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a real evaluation of one baseline beside a floor, two seeds, on drawn scenes."""
    out = tmp_path_factory.mktemp("report")
    scenes = SyntheticDataset(count=6, height=96, width=128)
    model, floor = (Discoverer(build_baseline(name)) for name in ("kmeans-colour", "whole-image"))
    options = EvaluationOptions(seeds=2)
    command = "slotlight evaluate --data synthetic <&>"
    report = evaluate([model], scenes, PROTOCOLS, out=out, floors=[floor], options=options, command=command)
    assert write_report(report, out, [model]) == []
    with (out / "terminal.txt").open("w") as shown:
        print_tables(report.tables, Console(file=shown))
    return out / "report.html"


def test_page_needs_no_network(page: Path) -> None:
    text = page.read_text()
    sources = re.findall(r"(?:src|href)=\"([^\"]*)", text) + re.findall(r"url\(([^)]*)", text)
    assert len(sources) > 20
    assert all(source.startswith(("data:image/webp;base64,", "#")) for source in sources)
    assert "<script" not in text
    assert "http" not in re.sub(r"base64,[^\"]*", "", text)


def test_page_says_what_every_number_depends_on(page: Path) -> None:
    text = re.sub(r"base64,[^\"]*", "", page.read_text())
    for expected in (
        *PROTOCOLS,
        "synthetic all",
        "6 photographs",
        "2 seeds",
        "native size",
        "320×320",
        "kmeans-colour",
    ):
        assert expected in text
    assert "slotlight evaluate --data synthetic &lt;&amp;&gt;" in text
    assert text.count('class="selection"') == 4 * len(PROTOCOLS)
    assert "Segments that ignore the photograph" in text


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


def test_page_opens_in_a_browser(page: Path, tmp_path: Path) -> None:
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    browser = next(filter(None, map(shutil.which, names)), None)
    if browser is None:
        pytest.skip(f"none of {', '.join(names)} is on this machine")
    quiet = [
        "--disable-gpu",
        "--disable-quic",
        "--disable-background-networking",
        "--disable-component-update",
    ]
    flags = [
        "--headless",
        "--no-sandbox",
        "--no-first-run",
        "--disable-sync",
        "--window-size=1100,1600",
        *quiet,
    ]
    profile, picture = f"--user-data-dir={tmp_path / 'profile'}", tmp_path / "page.png"
    command = [browser, *flags, profile, f"--screenshot={picture}", "--dump-dom", page.as_uri()]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=180, check=True)
    assert shown.stdout.count("<section") == len(PROTOCOLS) + 2
    pixels = np.asarray(Image.open(picture).convert("RGB"))
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 500  # photographs are there
    coloured = np.ptp(pixels.astype(int), axis=2).max(axis=1) > 40
    assert coloured.mean() > 0.2  # and the page is styled down its length


def test_command_writes_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, few = DatasetSource("synthetic"), EvaluationOptions(limit=3)
    report = run_evaluation(["centre-box"], ["corloc"], source, few, out=tmp_path, device="cpu")
    assert [row.is_floor for row in report.tables[0].rows] == [False, True, True, True]
    assert {path.name for path in tmp_path.iterdir() if path.name[0] != "."} == {
        "report.json",
        "report.md",
        "report.html",
        "per_image",
        "images",
    }
    assert "CorLoc-1" in capsys.readouterr().out
    alone = run_evaluation(["centre-box"], ["corloc"], source, few, out=tmp_path, device="cpu", floors=False)
    assert [row.model for row in alone.tables[0].rows] == ["centre-box"]
    assert alone.tables[0].rows[0].estimates == report.tables[0].rows[0].estimates


def test_a_form_that_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    scenes, floor = SyntheticDataset(count=2, height=48, width=64), Discoverer(build_baseline("tiles"))
    found = evaluate([floor], scenes, ["corloc"], out=tmp_path)
    (tmp_path / "report.html").mkdir()  # a file cannot take its place
    (failure,) = write_report(found, tmp_path, [floor])
    assert "report.html was not written" in failure
    assert (tmp_path / "report.md").is_file()
    assert not list(tmp_path.glob(".partial*"))


def test_photographs_that_have_gone_are_left_out_of_the_page(tmp_path: Path) -> None:
    photographs, masks = tmp_path / "photographs", tmp_path / "masks"
    scenes = SyntheticDataset(count=3, height=48, width=64)
    for folder in (photographs, masks):
        folder.mkdir()
    for index in range(3):
        scene = draw_scene(scenes, index)
        Image.fromarray(scene.image).save(photographs / f"{index}.png")
        Image.fromarray(255 * np.minimum(scene.instances, 1)).save(masks / f"{index}.png")
    floor, dataset = Discoverer(build_baseline("tiles")), FolderDataset(photographs, masks)
    found = evaluate([floor], dataset, ["saliency"], out=tmp_path / "out")
    (photographs / "1.png").unlink()
    assert write_report(found, tmp_path / "out", [floor]) == []
    text = (tmp_path / "out" / "report.html").read_text()
    assert "found in 0.png" in text
    assert "found in 1.png" not in text


def test_command_refuses_wrong_use_at_once(tmp_path: Path) -> None:
    source = DatasetSource("synthetic")
    with pytest.raises(UnknownNameError):
        run_evaluation(["centre-box"], ["corlock"], source, out=tmp_path)
    with pytest.raises(ConfigError, match="devices"):
        run_evaluation(["centre-box"], ["corloc"], source, out=tmp_path, devices=0)
    assert not list(tmp_path.iterdir())


def test_selections_are_in_order() -> None:
    scores = {index: float(value) for index, value in enumerate(np.random.default_rng(0).random(21))}
    selections = choose(scores)
    by_score = sorted(scores, key=scores.__getitem__)
    assert selections["worst"] == by_score[:4]
    assert selections["best"] == by_score[::-1][:4]
    assert by_score[10] in selections["median"]
    assert choose(scores) == selections
    assert choose({}) == {"best": [], "median": [], "worst": [], "random": []}


def test_charts_put_models_above_floors() -> None:
    curve = Curve("t", "x", "y", (0.0, 1.0), (0.0, 0.5))
    rows = [Row("model", False, (), (curve,)), Row("floor", True, (), (curve,))]
    chart = charts_of(rows, {"model": 0, "floor": 1})[0]
    assert [line.model for line in chart.lines] == ["floor", "model"]
    assert chart.lines[0].points.startswith(f"{LEFT:.1f},")
