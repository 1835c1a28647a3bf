"""Processes that share the photographs."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from slotlight.datasets import Dataset, FolderDataset
from slotlight.discovery.discoverer import Discoverer
from slotlight.evaluation.result import Evaluation
from slotlight.evaluation.run import evaluate
from thirds import EVERY, SKIP


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
        f"sys.path.insert(0, {str(Path(__file__).parents[1])!r})\n"
        "from slotlight.discovery.discoverer import Discoverer\n"
        "from thirds import EVERY, Thirds\n"
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
