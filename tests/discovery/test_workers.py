"""Several processes share a run: the same files, and one sentence when a worker dies."""

import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial

import psutil
import pytest

from slotlight.discovery.discoverer import Discoverer
from slotlight.discovery.pictures import Pictures
from slotlight.discovery.results import ResultFolder
from slotlight.discovery.workers import Work, discover_in_workers
from slotlight.errors import OutputError, SlotlightError
from slotlight.loading import load

IDENTITY = {"model": "centre-box", "seed": 0}


def work(results: ResultFolder) -> Work:
    load_model = partial(load, "centre-box")
    return Work(load_model, results.pictures, batch_size=2, seed=0, threads=1)


@pytest.fixture
def photographs(tmp_path, photo_paths):
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(7):
        (folder / f"{number}.jpg").write_bytes(photo_paths[number % 4].read_bytes())
    (folder / "broken.jpg").write_text("no image")
    return sorted(folder.iterdir())


def test_two_workers_write_what_one_process_does(tmp_path, photographs):
    results = ResultFolder(tmp_path / "out", photographs, IDENTITY)
    lines = list(results.take(discover_in_workers(work(results), results.left, 2)))
    results.finish()
    results.close()
    assert sorted(line.file for line in lines) == [str(path) for path in photographs]
    assert [line.file for line in results.failures()] == [str(tmp_path / "in/broken.jpg")]
    assert len(list((tmp_path / "out/masks").glob("*.png"))) == 7
    assert len(list((tmp_path / "out/overlays").glob("*.jpg"))) == 7


def _kill_yourself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _fail() -> None:
    raise SlotlightError("The weights are gone.")


def _on_a_full_disk() -> Discoverer:
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
    return load("centre-box")


@pytest.mark.slow
def test_a_full_disk_is_what_it_is_in_one_process(tmp_path, photographs):
    results = ResultFolder(tmp_path / "out", photographs, IDENTITY)
    full = Work(_on_a_full_disk, results.pictures, batch_size=2, seed=0, threads=1)
    says = r"^.*out cannot be written: File too large; make room or choose another --out\. Finished work is kept; .*\.$"
    with pytest.raises(OutputError, match=says):
        list(results.take(discover_in_workers(full, results.left, 2)))


class KilledWhileStarting:
    def __call__(self) -> Discoverer:
        raise AssertionError

    def __reduce__(self):  # when a worker is given it
        return _kill_yourself, ()


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_worker_that_is_killed_before_it_has_its_share_is_one_sentence(tmp_path, photographs):
    results = ResultFolder(tmp_path / "out", photographs, IDENTITY)
    many = [replace(entry) for entry in results.left * 5_000]  # more than a pipe holds
    ended = Work(KilledWhileStarting(), results.pictures, batch_size=2, seed=0, threads=1)
    with pytest.raises(SlotlightError, match="worker process was killed"):
        list(discover_in_workers(ended, many, 2))


def is_importing(process: psutil.Process) -> bool:
    is_worker = "spawn_main" in " ".join(process.cmdline())
    return is_worker and any("torch" in part.path for part in process.memory_maps())


@pytest.mark.slow
def test_workers_that_start_do_not_see_what_is_for_their_driver(tmp_path, photographs):
    """Ctrl-C reaches all processes of a terminal, also those that are still importing."""
    arguments = ["discover", photographs[0].parent, "--workers", "2", "--model", "centre-box", "--out", "out"]
    running = subprocess.Popen(
        [sys.executable, "-m", "slotlight", *arguments], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    driver, importing = psutil.Process(running.pid), []
    while not importing:
        assert running.poll() is None
        time.sleep(0.01)
        importing = [child for child in driver.children() if is_importing(child)]
    importing[0].send_signal(signal.SIGINT)
    said = running.communicate(timeout=120)[1]
    assert running.returncode == 1  # for the broken photograph
    assert "Traceback" not in said
    assert "killed" not in said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("load_model", "says"), [(_kill_yourself, "worker process was killed"), (_fail, "The weights are gone")]
)
def test_a_worker_that_ends_is_one_sentence(tmp_path, photographs, load_model, says):
    results = ResultFolder(tmp_path / "out", photographs, IDENTITY)
    ended = Work(load_model, Pictures(tmp_path / "out"), batch_size=2, seed=0, threads=1)
    with pytest.raises(SlotlightError, match=says):
        list(results.take(discover_in_workers(ended, results.left, 2)))
