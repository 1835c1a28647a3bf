import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from rich.console import Console

from slotlight.baselines import build_baseline
from slotlight.config import Calibration
from slotlight.datasets import Dataset, FolderDataset, SyntheticDataset
from slotlight.discovery.discoverer import Discoverer
from slotlight.errors import DatasetError, ImageError, UnknownNameError
from slotlight.evaluation.options import EvaluationOptions
from slotlight.evaluation.result import Evaluation
from slotlight.evaluation.run import evaluate
from slotlight.files import digest
from slotlight.report.markdown import to_markdown
from slotlight.report.terminal import print_tables
from slotlight.segmenter import SlotMasks


class Thirds:
    """Cuts every image in three, at places that the seed draws."""

    image_size, patch_size, is_seeded, backbone = 64, 8, True, None
    calibration = Calibration()

    def __init__(self, name: str = "thirds", jitter: float = 0.2) -> None:
        self.name, self.jitter = name, jitter

    @property
    def device(self) -> torch.device:
        return torch.device("cpu")

    def fingerprint(self) -> str:
        return digest(type(self).__name__, self.jitter)

    def controls(self) -> list:
        return []

    def segment(self, images: torch.Tensor, *, seed: int = 0) -> SlotMasks:
        rng = np.random.default_rng(seed)
        batch, _, height, width = images.shape
        cuts = width * (np.array([1, 2]) / 3 + self.jitter * rng.uniform(-0.5, 0.5, 2))
        part = torch.bucketize(torch.arange(width), torch.tensor(cuts))
        masks = torch.nn.functional.one_hot(part, 3).T[None, :, None].expand(batch, 3, height, width)
        return SlotMasks(masks.float(), torch.tensor([[0.4, 0.8, 0.0]]).expand(batch, 3))


def forbidden(*_: object) -> None:
    raise AssertionError("a photograph is measured again")


@pytest.fixture(scope="module")
def scenes() -> SyntheticDataset:
    return SyntheticDataset(count=6, height=48, width=64)


@pytest.fixture
def models() -> list[Discoverer]:
    return [Discoverer(Thirds("steady", 0)), Discoverer(Thirds("shaky", 0.4))]


TWO_SEEDS, SKIP = EvaluationOptions(seeds=2), EvaluationOptions(on_error="skip")
EVERY = ["paper", "paper-as-released", "instances", "corloc", "detection", "masks", "saliency"]


def test_every_protocol_has_a_table_of_its_own(
    scenes: Dataset, models: list[Discoverer], tmp_path: Path
) -> None:
    report = evaluate(models[:1], scenes, EVERY, out=tmp_path, floors=models[1:], options=TWO_SEEDS)
    assert [table.protocol for table in report.tables] == EVERY
    for table in report.tables:
        assert (table.dataset, table.split, table.images, table.seeds) == ("synthetic", "all", 6, 2)
        assert [(row.model, row.is_floor) for row in table.rows] == [("steady", False), ("shaky", True)]
        for row in table.rows:
            assert [f.metric for f in row.estimates] == [m.name for m in table.metrics]
            assert all(0 <= f.mean <= 1 or not f.images for f in row.estimates if f.metric != "FG-ARI")
    steady, shaky = report.tables[0].rows
    assert steady.estimates[0].seed_deviation == 0
    assert shaky.estimates[0].seed_deviation > 0
    assert steady.estimates[0].interval.low <= steady.estimates[0].mean <= steady.estimates[0].interval.high
    assert {c.second for c in report.tables[0].comparisons} == {"shaky"}


def test_pooled_estimates_have_intervals_and_tests_too(scenes: Dataset, tmp_path: Path) -> None:
    models = [Discoverer(Thirds("steady", 0)), Discoverer(build_baseline("whole-image"))]
    report = evaluate(models, scenes, ["detection", "saliency"], out=tmp_path, options=TWO_SEEDS)
    for table in report.tables:
        pooled = {metric.name for metric in table.metrics if metric.pooled}
        assert pooled <= {comparison.metric for comparison in table.comparisons}
        for row in table.rows:
            for estimate in row.estimates:
                assert estimate.interval.low <= estimate.mean + 0.05
                assert estimate.mean <= estimate.interval.high + 0.05
    ap = next(c for c in report.tables[0].comparisons if c.metric == "AP")
    means = [row.estimates[0].mean for row in report.tables[0].rows]
    assert ap.difference.mean == pytest.approx(means[0] - means[1])
    assert 0 < ap.difference.p_value <= 1


def test_what_draws_nothing_is_measured_once(scenes: Dataset, tmp_path: Path) -> None:
    models = [Discoverer(build_baseline(name)) for name in ("tiles", "kmeans-colour")]
    table = evaluate(models, scenes, ["corloc"], out=tmp_path, options=EvaluationOptions(seeds=3)).tables[0]
    assert table.seeds == 3
    assert [row.estimates[0].seed_deviation is None for row in table.rows] == [True, False]
    assert [len(list((tmp_path / "images/corloc" / m.name).iterdir())) for m in models] == [1, 3]


def test_a_split_within_another_is_not_measured_again(
    models: list[Discoverer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, part = (SyntheticDataset(count=count, height=48, width=64) for count in (6, 4))
    evaluate(models, whole, ["paper"], out=tmp_path)
    monkeypatch.setattr(Discoverer, "_read", forbidden)
    assert evaluate(models, part, ["paper"], out=tmp_path).tables[0].images == 4


def test_values_of_other_code_are_measured_again(
    scenes: Dataset, models: list[Discoverer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate(models[:1], scenes, ["paper"], out=tmp_path)
    monkeypatch.setattr("slotlight.evaluation.identity.code_fingerprint", lambda: "other")
    evaluate(models[:1], scenes, ["paper"], out=tmp_path)
    assert len(list((tmp_path / "images" / "paper" / "steady").iterdir())) == 2


def test_markdown_holds_every_table(scenes: Dataset, models: list[Discoverer], tmp_path: Path) -> None:
    report = evaluate(
        models[:1], scenes, EVERY, out=tmp_path, floors=models[1:], options=TWO_SEEDS, command="x --y"
    )
    text = to_markdown(report)
    assert [f"### `{name}`, synthetic all" in text for name in EVERY] == [True] * 7
    assert "```\nx --y\n```" in text
    estimate = report.tables[0].rows[0].estimates[0]
    assert f"{100 * estimate.mean:.1f} ± {100 * estimate.seed_deviation:.1f}" in text
    assert "| shaky (floor) |" in text


def test_estimates_are_the_means_of_what_is_kept_for_each_image(
    scenes: Dataset, models: list[Discoverer], tmp_path: Path
) -> None:
    report = evaluate(models[:1], scenes, ["paper"], out=tmp_path)
    rows = (tmp_path / "per_image" / "paper.csv").read_text().splitlines()
    assert rows[0] == "photograph,model,seed,mIoU,mBO,CorLoc"
    values = np.array([[float(v) for v in row.split(",")[3:]] for row in rows[1:]])
    assert [f.mean for f in report.tables[0].rows[0].estimates] == pytest.approx(values.mean(0).tolist())


def test_report_json_says_all_that_a_number_depends_on(
    scenes: Dataset, models: list[Discoverer], tmp_path: Path
) -> None:
    evaluate(
        models[:1],
        scenes,
        ["corloc"],
        out=tmp_path,
        options=EvaluationOptions(limit=4),
        command="slotlight evaluate …",
    )
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
    arguments = {"options": TWO_SEEDS, "command": "x"}
    evaluate(models, scenes, EVERY, out=tmp_path / "whole", **arguments)
    fewer = EvaluationOptions(seeds=2, limit=5)
    evaluate(models[:1], scenes, EVERY[2:], out=tmp_path / "killed", options=fewer)
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
    monkeypatch.setattr(Discoverer, "_read", forbidden)
    assert repr(evaluate(models, scenes, EVERY, out=tmp_path).tables) == repr(first.tables)  # NaN is not NaN


def test_another_model_of_the_same_name_is_measured_afresh(scenes: Dataset, tmp_path: Path) -> None:
    straight, slanted = Discoverer(Thirds("same", 0)), Discoverer(Thirds("same", 0.6))
    first = evaluate([straight], scenes, ["paper"], out=tmp_path)
    second = evaluate([slanted], scenes, ["paper"], out=tmp_path)
    assert first.tables[0].rows != second.tables[0].rows


def test_other_scenes_of_the_same_name_are_measured_afresh(models: list[Discoverer], tmp_path: Path) -> None:
    large, small = (SyntheticDataset(count=2, height=48, width=64, radius=(r, r)) for r in (0.3, 0.1))
    first, second = (evaluate(models[:1], scenes, ["paper"], out=tmp_path) for scenes in (large, small))
    assert first.tables[0].rows != second.tables[0].rows


@dataclass(frozen=True)
class ThreadAsProcess:
    """One of several threads that stand for processes."""

    global_rank: int
    world_size: int
    meeting: threading.Barrier

    def barrier(self) -> None:
        self.meeting.wait(timeout=60)


def evaluate_in_three(models: list[Discoverer], dataset: Dataset, out: Path, **arguments) -> list[Evaluation]:
    meeting = threading.Barrier(3)

    def one(rank: int) -> Evaluation:
        return evaluate(models, dataset, out=out, processes=ThreadAsProcess(rank, 3, meeting), **arguments)

    with ThreadPoolExecutor(3) as pool:
        return list(pool.map(one, range(3)))


def test_processes_share_the_photographs(scenes: Dataset, models: list[Discoverer], tmp_path: Path) -> None:
    alone = evaluate(models, scenes, EVERY, out=tmp_path / "one")
    shared = evaluate_in_three(models, scenes, tmp_path / "three", protocols=EVERY)
    assert [repr(one.tables) == repr(alone.tables) for one in shared] == [True] * 3
    assert len(list((tmp_path / "three" / "images" / "paper" / "steady").iterdir())) == 3


def test_every_process_knows_what_the_others_left_out(
    faulty: FolderDataset, models: list[Discoverer], tmp_path: Path
) -> None:
    alone = evaluate(models, faulty, ["saliency"], out=tmp_path / "one", options=SKIP)
    shared = evaluate_in_three(models, faulty, tmp_path / "three", protocols=["saliency"], options=SKIP)
    assert len(alone.results[0].left_out) == 3
    assert [one.results[0].left_out == alone.results[0].left_out for one in shared] == [True] * 3


@pytest.mark.slow
def test_two_real_processes_give_the_same_report_as_one(tmp_path: Path) -> None:
    script = tmp_path / "run.py"
    script.write_text(
        "import sys\n"
        "from lightning import Fabric\n"
        "from slotlight import evaluate\n"
        "from slotlight.datasets import SyntheticDataset\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from test_run import EVERY, Discoverer, Thirds\n"
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
    report = evaluate(models, faulty, ["saliency"], out=out, options=SKIP)
    causes = report.tables[0].skipped
    assert report.tables[0].images == 1
    assert ["b.png is missing" in causes[0], "47×32" in causes[1], "d.png" in causes[2]] == [True] * 3
    console = Console(record=True, width=160, file=(tmp_path / "log").open("w"))
    print_tables(report.tables, console)
    assert console.export_text().count("left out:") == 3
    assert evaluate(models, faulty, ["saliency"], out=out, options=SKIP).tables == report.tables


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
    with pytest.raises(DatasetError, match="needs class masks"):
        evaluate(models, FolderDataset(photo_paths[0].parent), ["paper"], out=tmp_path)
