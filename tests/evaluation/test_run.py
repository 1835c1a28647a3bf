import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from slotlight.datasets import Dataset, FolderDataset, SyntheticDataset
from slotlight.discovery.discoverer import Discoverer
from slotlight.errors import DatasetError, UnknownNameError
from slotlight.evaluation.run import evaluate


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
