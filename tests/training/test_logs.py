import csv
from contextlib import suppress
from pathlib import Path

import pytest

from slotlight.training.logs import Logs


def test_rows_and_events(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with Logs(tmp_path / "logs") as logs:
        logs.write(20, {"loss": 0.5, "learning_rate": 1e-3})
        logs.write(40, {"loss": 0.25, "learning_rate": 2e-3, "alike": 0.2})
    rows = list(csv.DictReader((tmp_path / "logs/metrics.csv").open()))
    assert [(row["step"], row["loss"], row["learning_rate"], row["alike"]) for row in rows] == [
        ("20", "0.5", "0.001", ""),
        ("40", "0.25", "0.002", "0.2"),
    ]
    events = EventAccumulator(str(tmp_path / "logs")).Reload()
    assert [(event.step, event.value) for event in events.Scalars("loss")] == [(20, 0.5), (40, 0.25)]


def test_an_interrupted_attempt_is_written_over(tmp_path: Path) -> None:
    for _ in range(2):
        with Logs(tmp_path / "logs") as logs:
            logs.write(20, {"loss": 0.5, "learning_rate": 1e-3})
    assert len((tmp_path / "logs/metrics.csv").read_text().splitlines()) == 2
    assert len(list((tmp_path / "logs").iterdir())) == 2


def test_a_folder_that_cannot_be_written_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    with Logs(tmp_path / "file/logs") as logs:
        logs.write(20, {"loss": 0.5, "learning_rate": 1e-3})
        logs.write(40, {"loss": 0.5, "learning_rate": 1e-3})
    assert len(caplog.messages) == 1
    assert "goes on without logs" in caplog.text


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_costs_the_log_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    full = Path("/dev/full").open("w")  # noqa: SIM115
    with Logs(tmp_path / "logs") as logs:
        assert logs._files is not None
        logs._files = full, logs._files[1]
        logs.write(20, {"loss": 0.5, "learning_rate": 1e-3})
        logs.write(40, {"loss": 0.5, "learning_rate": 1e-3})
    with suppress(OSError):
        full.close()
    assert "goes on without logs" in caplog.text
    assert "No space left" in caplog.text
