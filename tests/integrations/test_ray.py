"""Ray Data on real local clusters of two nodes, one of which is killed in the middle.

Ray is in no extra that the checks install. To run these: a virtual environment with ``ray[data]`` that sees this
one's packages, and ``python -m pytest -m slow tests/integrations/test_ray.py`` with its Python.
"""

import importlib.util
import json
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

from commands import files_below
from slotlight.discovery.pictures import discover_entries
from slotlight.discovery.results import ResultFolder
from slotlight.discovery.workers import Work
from slotlight.errors import ConfigError, SlotlightError
from slotlight.integrations.ray import Discover, discover_on_ray
from slotlight.loading import load

IDENTITY = {"model": "centre-box", "seed": 0}
HAS_RAY = importlib.util.find_spec("ray") is not None
needs_ray = pytest.mark.skipif(not HAS_RAY, reason="needs ray[data]")


@pytest.fixture(scope="module")
def cluster():
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": 100_000_000}
    )
    ray.init(address=cluster.address, log_to_driver=False)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


@pytest.fixture
def photographs(tmp_path, photo_paths) -> list[Path]:
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(70):
        picture = Image.open(photo_paths[number % 4])
        picture.thumbnail((60 + number, 90))
        picture.save(folder / f"{number:02}.jpg")
    (folder / "broken.jpg").write_text("no image")
    return sorted(folder.iterdir())


def test_a_batch_of_paths_and_bytes(photographs):
    discover = Discover("centre-box")
    paths = [str(photographs[0]), str(photographs[-1]), None, "/nowhere.jpg"]
    contents = [None, None, photographs[1].read_bytes(), None]
    table = discover({"path": paths, "bytes": contents, "id": [1, 2, 3, 4]})
    assert table.column_names == ["path", "id", "width", "height", "objects", "error"]
    rows = table.to_pylist()
    assert [row["id"] for row in rows] == [1, 2, 3, 4]
    expected = load("centre-box").discover(photographs[0])
    [only] = rows[0]["objects"]
    assert [only[name] for name in ("left", "top", "right", "bottom")] == expected.boxes_xyxy[0].tolist()
    assert rows[0]["error"] is None
    assert "is not an image" in rows[1]["error"]
    assert (rows[1]["width"], rows[1]["objects"]) == (None, [])
    assert len(rows[2]["objects"]) == 1
    assert "/nowhere.jpg cannot be read" in rows[3]["error"]
    with pytest.raises(ConfigError, match="have the columns picture; give them one called path"):
        discover({"picture": ["a.jpg"]})


@pytest.mark.skipif(HAS_RAY, reason="Ray is there")
def test_without_ray_it_is_one_sentence(tmp_path):
    results = ResultFolder(tmp_path / "out", [], IDENTITY)
    work = Work(partial(load, "centre-box"), results.pictures, batch_size=2, seed=0, threads=1)
    with pytest.raises(SlotlightError, match=r"--ray needs Ray; run pip install 'slotlight\[ray\]'"):
        list(discover_on_ray(work, [], "local"))


@pytest.mark.slow
@needs_ray
def test_rows_of_a_data_set(cluster, photographs):
    import ray

    assert cluster.head_node
    rows = ray.data.from_items([{"path": str(path), "bytes": path.read_bytes()} for path in photographs])
    found = rows.map_batches(Discover, fn_constructor_args=("centre-box",), concurrency=1, batch_size=8)
    by_path = {row["path"]: row for row in found.take_all()}
    assert set(by_path) == {str(path) for path in photographs}
    failed = [path for path, row in by_path.items() if row["error"]]
    assert failed == [str(photographs[-1])]


def run(out: Path, photographs: list[Path], lines) -> Path:
    results = ResultFolder(out, photographs, IDENTITY)
    work = Work(partial(load, "centre-box"), results.pictures, batch_size=2, seed=0, threads=1)
    assert len(list(results.take(lines(work, results.left)))) == len(results.left)
    results.finish()
    results.close()
    return out


def here(work: Work, entries):
    return discover_entries(work.load(), entries, work.pictures, batch_size=work.batch_size, seed=work.seed)


@pytest.mark.slow
@needs_ray
def test_a_killed_node_loses_nothing(cluster, tmp_path, photographs):
    node = cluster.add_node(num_cpus=1, object_store_memory=100_000_000)
    whole = run(tmp_path / "whole", photographs, here)

    def with_a_kill(work: Work, entries):
        for number, line in enumerate(discover_on_ray(work, entries, "auto")):
            if number == 0:
                threading.Thread(target=cluster.remove_node, args=(node, False)).start()
            yield line

    run(tmp_path / "out", photographs, with_a_kill)
    assert files_below(tmp_path / "out") == files_below(whole)


@pytest.mark.slow
@needs_ray
def test_a_killed_driver_loses_nothing(cluster, tmp_path, photographs):
    folder = str(photographs[0].parent)
    out = tmp_path / "out"
    command = [
        sys.executable,
        "-m",
        "slotlight",
        "discover",
        folder,
        "--out",
        str(out),
        "--model",
        "centre-box",
    ]
    command += ["--ray", cluster.address]
    first = subprocess.Popen(command)
    record = out / ".progress.jsonl"
    while not (record.is_file() and len(record.read_text().splitlines()) > 3):
        assert first.poll() is None
        time.sleep(0.05)
    first.kill()
    first.wait()
    done = len(record.read_text().splitlines())
    again = subprocess.run(command, check=False, capture_output=True, text=True)
    assert again.returncode == 1, again.stderr  # of the broken one
    assert done < len(photographs)
    assert len(record.read_text().splitlines()) == len(photographs)
    whole = run(tmp_path / "whole", photographs, here)
    found, expected = (json.loads((folder / "objects.json").read_text()) for folder in (out, whole))
    assert (found["images"], found["annotations"]) == (expected["images"], expected["annotations"])


@pytest.mark.slow
@needs_ray
def test_a_cluster_that_does_not_answer(tmp_path):
    code = f"""
from slotlight.integrations.ray import discover_on_ray
from slotlight.discovery.pictures import Pictures
from slotlight.discovery.workers import Work
from pathlib import Path
work = Work(None, Pictures(Path({str(tmp_path)!r})), batch_size=1, seed=0, threads=1)
list(discover_on_ray(work, [], "127.0.0.1:9"))
"""
    ended = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert "SlotlightError: No Ray cluster answers at '127.0.0.1:9'" in ended.stderr
