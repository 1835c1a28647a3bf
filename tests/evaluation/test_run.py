import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from rich.console import Console

from slotlight.baselines import build_baseline
from slotlight.datasets import Dataset, FolderDataset, SyntheticDataset
from slotlight.discovery.discoverer import Discoverer
from slotlight.errors import DatasetError, ImageError, UnknownNameError
from slotlight.evaluation.run import Alone, evaluate
from slotlight.evaluation.statistics import bootstrap_interval, paired_difference
from slotlight.evaluation.store import code_fingerprint, fingerprint
from slotlight.report.terminal import print_tables
from slotlight.segmenter import SlotMasks


class Thirds:
    """Cuts every image in three, at places that the seed draws."""

    image_size, patch_size = 64, 8

    def __init__(self, name: str = "thirds", jitter: float = 0.2) -> None:
        self.name, self.jitter = name, jitter

    @property
    def device(self) -> torch.device:
        return torch.device("cpu")

    def segment(self, images: torch.Tensor, *, seed: int = 0) -> SlotMasks:
        rng = np.random.default_rng(seed)
        batch, _, height, width = images.shape
        cuts = width * (np.array([1, 2]) / 3 + self.jitter * rng.uniform(-0.5, 0.5, 2))
        part = torch.bucketize(torch.arange(width), torch.tensor(cuts))
        masks = torch.nn.functional.one_hot(part, 3).T[None, :, None].expand(batch, 3, height, width)
        return SlotMasks(masks.float(), torch.tensor([[0.4, 0.8, 0.0]]).expand(batch, 3))


@pytest.fixture(scope="module")
def scenes() -> SyntheticDataset:
    return SyntheticDataset(count=6, height=48, width=64)


@pytest.fixture
def models() -> list[Discoverer]:
    return [Discoverer(Thirds("steady", 0)), Discoverer(Thirds("shaky", 0.4))]


EVERY = ["paper", "paper-as-released", "instances", "corloc", "detection", "saliency"]


def test_every_protocol_has_a_table_of_its_own(
    scenes: Dataset, models: list[Discoverer], tmp_path: Path
) -> None:
    report = evaluate(models[:1], scenes, EVERY, out=tmp_path, floors=models[1:], seeds=2)
    assert [table.protocol for table in report.tables] == EVERY
    for table in report.tables:
        assert (table.dataset, table.split, table.images, table.seeds) == ("synthetic", "all", 6, 2)
        assert [(row.model, row.is_floor) for row in table.rows] == [("steady", False), ("shaky", True)]
        for row in table.rows:
            assert [f.metric for f in row.figures] == [m.name for m in table.metrics]
            assert all(0 <= f.mean <= 1 for f in row.figures if f.metric != "FG-ARI")
    steady, shaky = report.tables[0].rows
    assert steady.figures[0].seed_deviation == 0
    assert shaky.figures[0].seed_deviation > 0
    assert steady.figures[0].interval.low <= steady.figures[0].mean <= steady.figures[0].interval.high
    assert {c.second for c in report.tables[0].comparisons} == {"shaky"}


def test_pooled_figures_have_intervals_and_tests_too(scenes: Dataset, tmp_path: Path) -> None:
    models = [Discoverer(Thirds("steady", 0)), Discoverer(build_baseline("whole-image"))]
    report = evaluate(models, scenes, ["detection", "saliency"], out=tmp_path, seeds=2)
    for table in report.tables:
        pooled = {metric.name for metric in table.metrics if metric.pooled}
        assert pooled <= {comparison.metric for comparison in table.comparisons}
        for row in table.rows:
            for figure in row.figures:
                assert figure.interval.low <= figure.mean + 0.05
                assert figure.mean <= figure.interval.high + 0.05
    ap = next(c for c in report.tables[0].comparisons if c.metric == "AP")
    means = [row.figures[0].mean for row in report.tables[0].rows]
    assert ap.difference.mean == pytest.approx(means[0] - means[1])
    assert 0 < ap.difference.p_value <= 1


def test_what_draws_nothing_is_measured_once(scenes: Dataset, tmp_path: Path) -> None:
    models = [Discoverer(build_baseline(name)) for name in ("tiles", "kmeans-colour")]
    table = evaluate(models, scenes, ["corloc"], out=tmp_path, seeds=3).tables[0]
    assert table.seeds == 3
    assert [row.figures[0].seed_deviation is None for row in table.rows] == [True, False]
    assert [len(list((tmp_path / "images/corloc" / m.name).iterdir())) for m in models] == [1, 3]


def test_a_split_within_another_is_not_measured_again(
    models: list[Discoverer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, part = (SyntheticDataset(count=count, height=48, width=64) for count in (6, 4))
    evaluate(models, whole, ["paper"], out=tmp_path)
    monkeypatch.setattr(Discoverer, "_read", None)
    assert evaluate(models, part, ["paper"], out=tmp_path).tables[0].images == 4


def test_values_of_other_code_are_measured_again(
    scenes: Dataset, models: list[Discoverer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate(models[:1], scenes, ["paper"], out=tmp_path)
    monkeypatch.setattr("slotlight.evaluation.store.code_fingerprint", lambda: "other")
    evaluate(models[:1], scenes, ["paper"], out=tmp_path)
    assert len(list((tmp_path / "images" / "paper" / "steady").iterdir())) == 2
    assert len(code_fingerprint()) == 64


def test_markdown_holds_every_table(scenes: Dataset, models: list[Discoverer], tmp_path: Path) -> None:
    report = evaluate(models[:1], scenes, EVERY, out=tmp_path, floors=models[1:], seeds=2, command="x --y")
    text = (tmp_path / "report.md").read_text()
    assert [f"### `{name}`, synthetic all" in text for name in EVERY] == [True] * 6
    assert "```\nx --y\n```" in text
    figure = report.tables[0].rows[0].figures[0]
    assert f"{100 * figure.mean:.1f} ± {100 * figure.seed_deviation:.1f}" in text
    assert "| shaky (floor) |" in text


def test_figures_are_the_means_of_what_is_kept_for_each_image(
    scenes: Dataset, models: list[Discoverer], tmp_path: Path
) -> None:
    report = evaluate(models[:1], scenes, ["paper"], out=tmp_path)
    rows = (tmp_path / "per_image" / "paper.csv").read_text().splitlines()
    assert rows[0] == "photograph,model,seed,mIoU,mBO,CorLoc"
    values = np.array([[float(v) for v in row.split(",")[3:]] for row in rows[1:]])
    assert [f.mean for f in report.tables[0].rows[0].figures] == pytest.approx(values.mean(0).tolist())


def test_report_json_says_all_that_a_number_depends_on(
    scenes: Dataset, models: list[Discoverer], tmp_path: Path
) -> None:
    evaluate(models[:1], scenes, ["corloc"], out=tmp_path, limit=4, command="slotlight evaluate …")
    content = json.loads((tmp_path / "report.json").read_text())
    table = content["tables"][0]
    assert content["command"] == "slotlight evaluate …"
    assert {k: table[k] for k in ("protocol", "dataset", "split", "resolution", "images", "seeds")} == {
        "protocol": "corloc",
        "dataset": "synthetic",
        "split": "all",
        "resolution": "native size",
        "images": 4,
        "seeds": 1,
    }


def test_a_killed_run_resumes_to_the_same_report(
    scenes: Dataset, models: list[Discoverer], tmp_path: Path
) -> None:
    arguments = {"seeds": 2, "command": "x"}
    evaluate(models, scenes, EVERY, out=tmp_path / "whole", **arguments)
    evaluate(models[:1], scenes, EVERY[2:], out=tmp_path / "killed", limit=5, **arguments)
    for number, shard in enumerate(sorted((tmp_path / "killed" / "images").rglob("*.jsonl"))):
        text = shard.read_bytes()
        shard.write_bytes(text[: len(text) - 7 - 11 * number])  # a kill in the middle of a line
    evaluate(models, scenes, EVERY, out=tmp_path / "killed", **arguments)
    for name in ("report.json", "per_image/paper.csv", "per_image/instances.csv"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_what_is_measured_is_not_measured_again(
    scenes: Dataset, models: list[Discoverer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = evaluate(models, scenes, EVERY, out=tmp_path)
    monkeypatch.setattr(Discoverer, "_read", None)
    assert evaluate(models, scenes, EVERY, out=tmp_path) == first


def test_another_model_of_the_same_name_is_measured_afresh(scenes: Dataset, tmp_path: Path) -> None:
    straight, slanted = Discoverer(Thirds("same", 0)), Discoverer(Thirds("same", 0.6))
    assert fingerprint(straight) != fingerprint(slanted)
    first = evaluate([straight], scenes, ["paper"], out=tmp_path)
    second = evaluate([slanted], scenes, ["paper"], out=tmp_path)
    assert first.tables[0].rows != second.tables[0].rows


def test_other_scenes_of_the_same_name_are_measured_afresh(models: list[Discoverer], tmp_path: Path) -> None:
    large, small = (SyntheticDataset(count=2, height=48, width=64, radius=(r, r)) for r in (0.3, 0.1))
    first, second = (evaluate(models[:1], scenes, ["paper"], out=tmp_path) for scenes in (large, small))
    assert first.tables[0].rows != second.tables[0].rows


def test_processes_share_the_photographs(scenes: Dataset, models: list[Discoverer], tmp_path: Path) -> None:
    alone = evaluate(models, scenes, EVERY, out=tmp_path / "one")
    for rank in (2, 1, 0):
        shared = evaluate(models, scenes, EVERY, out=tmp_path / "three", processes=Alone(rank, 3))
    assert shared == alone
    assert len(list((tmp_path / "three" / "images" / "paper" / "steady").iterdir())) == 3


@pytest.mark.slow
def test_two_real_processes_give_the_same_report_as_one(tmp_path: Path) -> None:
    script = tmp_path / "run.py"
    script.write_text(
        "import sys\n"
        "from lightning import Fabric\n"
        "from slotlight import evaluate\n"
        "from slotlight.datasets import SyntheticDataset\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from test_evaluation import EVERY, Discoverer, Thirds\n"
        "fabric = Fabric(accelerator='cpu', devices=int(sys.argv[1]), strategy='ddp')\n"
        "fabric.launch()\n"
        "scenes = SyntheticDataset(count=6, height=48, width=64)\n"
        "evaluate([Discoverer(Thirds('shaky', 0.4))], scenes, EVERY, out=sys.argv[2], processes=fabric)\n"
    )
    # The report names how many threads there are, and two processes share what one has.
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1"}
    for count in ("1", "2"):
        command = [sys.executable, script, count, tmp_path / count]
        subprocess.run(command, check=True, timeout=300, env=one_thread)
    assert (tmp_path / "1" / "report.json").read_bytes() == (tmp_path / "2" / "report.json").read_bytes()


@pytest.mark.slow
def test_a_kill_in_the_middle_costs_nothing_but_time(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-c",
        "from slotlight.cli.main import main; main()",
        "evaluate",
        "--data",
        "synthetic",
    ]
    command += [
        "--model",
        "kmeans-colour",
        "--protocol",
        "paper",
        "corloc",
        "--limit",
        "60",
        "--device",
        "cpu",
    ]
    first = subprocess.Popen([*command, "--out", tmp_path / "killed"])
    while not any((tmp_path / "killed").glob("images/paper/kmeans-colour/*")):
        time.sleep(0.1)
    first.kill()
    first.wait()
    assert not (tmp_path / "killed" / "report.json").exists()
    for name in ("killed", "whole"):
        subprocess.run([*command, "--out", tmp_path / name], check=True, timeout=300)
    killed, whole = (json.loads((tmp_path / n / "report.json").read_text()) for n in ("killed", "whole"))
    assert killed["tables"] == whole["tables"]
    assert (tmp_path / "killed" / "report.html").stat().st_size > 50_000


@pytest.fixture
def faulty(tmp_path: Path) -> FolderDataset:
    """Four photographs; the second's mask is missing, the third's has another size, the fourth is no image."""
    photographs, masks = tmp_path / "photographs", tmp_path / "masks"
    photographs.mkdir()
    masks.mkdir()
    mask = np.zeros((32, 48), np.uint8)
    mask[8:20, 10:30] = 255
    for name in "abcd":
        Image.fromarray(np.full((32, 48, 3), 90, np.uint8)).save(photographs / f"{name}.png")
        Image.fromarray(mask if name != "c" else mask[:, 1:]).save(masks / f"{name}.png")
    (masks / "b.png").unlink()
    (photographs / "d.png").write_text("no image")
    return FolderDataset(photographs, masks)


def test_faults_are_skipped_and_listed_when_asked(
    faulty: FolderDataset, models: list[Discoverer], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    report = evaluate(models, faulty, ["saliency"], out=out, on_error="skip")
    causes = report.tables[0].skipped
    assert report.tables[0].images == 1
    assert ["b.png is missing" in causes[0], "47×32" in causes[1], "d.png" in causes[2]] == [True] * 3
    console = Console(record=True, width=160, file=(tmp_path / "log").open("w"))
    print_tables(report, console)
    assert console.export_text().count("left out:") == 3
    assert evaluate(models, faulty, ["saliency"], out=out, on_error="skip") == report


def test_the_first_fault_stops_the_run_otherwise(
    faulty: FolderDataset, models: list[Discoverer], tmp_path: Path
) -> None:
    with pytest.raises(DatasetError, match=r"b\.png is missing"):
        evaluate(models, faulty, ["saliency"], out=tmp_path / "out")
    Image.new("L", (48, 32)).save(tmp_path / "masks" / "b.png")
    Image.new("L", (48, 32)).save(tmp_path / "masks" / "c.png")
    with pytest.raises(ImageError, match=r"d\.png"):
        evaluate(models, faulty, ["saliency"], out=tmp_path / "out")


def test_wrong_use_is_refused(
    scenes: Dataset, models: list[Discoverer], photo_paths: list[Path], tmp_path: Path
) -> None:
    with pytest.raises(UnknownNameError, match="no protocol 'corlok'"):
        evaluate(models, scenes, ["corlok"], out=tmp_path)
    with pytest.raises(DatasetError, match="both called 'steady'"):
        evaluate([models[0], models[0]], scenes, ["corloc"], out=tmp_path)
    with pytest.raises(DatasetError, match="nothing to evaluate"):
        evaluate([], scenes, ["corloc"], out=tmp_path)
    with pytest.raises(DatasetError, match="has no photographs"):
        evaluate(models, SyntheticDataset(count=0), ["corloc"], out=tmp_path)
    with pytest.raises(DatasetError, match="at least 1"):
        evaluate(models, scenes, ["corloc"], out=tmp_path, limit=0)
    with pytest.raises(DatasetError, match="needs class masks"):
        evaluate(models, FolderDataset(photo_paths[0].parent), ["paper"], out=tmp_path)


def test_bootstrap_covers_the_mean_about_95_times_of_100() -> None:
    rng = np.random.default_rng(0)
    intervals = [bootstrap_interval(rng.normal(0.4, 0.2, 60)) for _ in range(200)]
    covered = np.mean([i.low <= 0.4 <= i.high for i in intervals])
    assert 0.9 <= covered <= 0.99


def test_paired_test_sees_a_steady_gain_and_no_more() -> None:
    rng = np.random.default_rng(1)
    first = rng.uniform(0, 1, 200)
    better = paired_difference(first + rng.normal(0.05, 0.05, 200), first)
    same = paired_difference(first + rng.normal(0, 0.05, 200), first)
    assert better.p_value < 0.001
    assert better.interval.low > 0
    assert same.p_value > 0.05
    undefined = paired_difference(np.full(5, np.nan), np.ones(5))
    assert undefined is None


def test_permutation_p_values_are_uniform_by_chance() -> None:
    rng = np.random.default_rng(2)
    p_values = [paired_difference(rng.normal(0, 1, 30), rng.normal(0, 1, 30)).p_value for _ in range(60)]
    assert 0.3 < np.mean(p_values) < 0.7
    assert np.mean(np.array(p_values) < 0.05) < 0.2
