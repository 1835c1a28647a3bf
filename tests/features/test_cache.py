import json
import os
import shutil
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from filelock import FileLock

from slotlight.errors import CacheError
from slotlight.features import cache as feature_cache
from slotlight.features.cache import cache_features
from slotlight.features.dataset import FeatureDataset
from slotlight.files import unsealed
from tiny_caches import SIDE, build, tiny_backbone


def test_a_finished_cache_is_only_read(photographs: list[Path], tmp_path: Path) -> None:
    cache = build(photographs, tmp_path / "cache")
    written = cache.file.stat().st_mtime_ns
    broken = tiny_backbone()
    broken.forward = lambda _: pytest.fail("computed again")
    assert build(photographs, tmp_path / "cache", broken) == cache
    assert cache.file.stat().st_mtime_ns == written


def test_a_finished_shard_s_progress_is_read_once(
    photographs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feature_cache, "SHARD", 4)
    cache = build(photographs, tmp_path / "cache")
    read: list[bytes] = []
    monkeypatch.setattr(feature_cache, "unsealed", lambda text: read.append(text) or unsealed(text))
    assert build(photographs, tmp_path / "cache") == cache
    assert len(read) == 3


def test_what_changes_the_features_changes_the_cache(photographs: list[Path], tmp_path: Path) -> None:
    folder, two = tmp_path / "cache", photographs[:2]
    homes = {
        build(two, folder).file,
        build(two, folder, tiny_backbone(seed=1)).file,
        build(two, folder, tiny_backbone(layer=0)).file,
        build(two[::-1], folder).file,
        cache_features(two, folder, tiny_backbone(), image_size=48).file,
        cache_features(two, folder, tiny_backbone(), image_size=SIDE, precision="bf16").file,
    }
    os.utime(two[0], ns=(0, 0))
    homes.add(build(two, folder).file)
    assert len(homes) == 7
    assert build(two, folder, tiny_backbone(seed=0)).file in homes


def test_a_photograph_that_changes_is_not_served_from_the_old_cache(
    photographs: list[Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = build(photographs[:3], tmp_path / "cache")
    shutil.copy(photographs[1], photographs[0])
    after = build(photographs[:3], tmp_path / "cache")
    first, second, _ = FeatureDataset(after)
    torch.testing.assert_close(first, second)
    assert not torch.equal(first, FeatureDataset(before)[0])

    backbone = tiny_backbone()
    backbone.register_forward_hook(
        lambda *_: os.utime(photographs[-1], ns=(0, 0))
    )  # while others are computed
    cache = build(photographs, tmp_path / "cache", backbone)
    if photographs[-1] in cache.skipped:  # unless it was read ahead
        assert "was changed while features were computed" in caplog.text


def test_goes_on_after_a_kill(photographs: list[Path], tmp_path: Path) -> None:
    script = """
        import os, signal, sys
        from pathlib import Path
        from slotlight.features import cache as feature_cache
        from tiny_caches import build, tiny_backbone

        feature_cache.FLUSH_SECONDS = 0
        calls = []
        def kill(*_):
            calls.append(1)
            if len(calls) == 3:
                os.kill(os.getpid(), signal.SIGKILL)
        backbone = tiny_backbone()
        backbone.register_forward_hook(kill)
        build(sorted(Path(sys.argv[1]).iterdir()), Path(sys.argv[2]), backbone)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(photographs[0].parent), str(tmp_path / "k")]
    killed = subprocess.run(
        command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False
    )
    assert killed.returncode == -9, killed.stderr
    (home,) = (tmp_path / "k").iterdir()
    assert json.loads((home / "progress-0000000.json").read_text())["seen"] == 4
    with (home / "features.f16").open("r+b") as file:
        file.seek(5 * 4 * 192 * 2)
        file.write(b"half a row")

    backbone, computed = tiny_backbone(), []
    backbone.register_forward_hook(lambda _, inputs, __: computed.append(len(inputs[0])))
    resumed, whole = build(photographs, tmp_path / "k", backbone), build(photographs, tmp_path / "whole")
    assert sum(computed) == 4
    assert resumed.file.read_bytes() == whole.file.read_bytes()
    assert resumed.photographs == whole.photographs


def test_processes_compute_the_shards_of_a_cache_together(
    photographs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = build(photographs, tmp_path / "whole")
    monkeypatch.setattr(feature_cache, "SHARD", 2)
    computed: list[int] = []
    backbones = [tiny_backbone(), tiny_backbone()]
    for backbone in backbones:
        backbone.register_forward_hook(lambda _, inputs, __: computed.append(len(inputs[0])))
    home = tmp_path / "shards" / whole.file.parent.name
    home.mkdir(parents=True)
    with ThreadPoolExecutor(2) as pool:
        with FileLock(home / "lock-0000004"):  # as if a third process were at it, and then gone
            builds = [pool.submit(build, photographs, home.parent, backbone) for backbone in backbones]
            while sum(computed) < 6:
                assert not any(one.done() for one in builds)
                time.sleep(0.02)
            assert not (home / "progress-0000004.json").exists()
        first, second = (one.result() for one in builds)
    assert first == second
    assert sum(computed) == 8
    assert first.file.read_bytes() == whole.file.read_bytes()
    assert [path.name for path in first.skipped] == ["3x.jpg"]


@pytest.mark.parametrize("file", ["cache.json", "progress-0000000.json", "features.f16"])
def test_damage_is_one_sentence(photographs: list[Path], tmp_path: Path, file: str) -> None:
    home = build(photographs[:2], tmp_path).file.parent
    (home / file).write_bytes(b"{}"[: 2 if file.endswith("json") else 0])
    with pytest.raises(CacheError, match="damaged; delete that folder"):
        build(photographs[:2], tmp_path)


def test_a_disk_too_small_is_said_before_the_start(
    photographs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = type(shutil.disk_usage(tmp_path))(10**9, 10**9 - 1000, 1000)
    monkeypatch.setattr(feature_cache.shutil, "disk_usage", lambda _: full)
    with pytest.raises(CacheError, match=r"9 photographs take 13\.8 kB, but .* only 1\.0 kB free"):
        build(photographs, tmp_path)


def test_a_folder_that_cannot_be_written(photographs: list[Path], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CacheError, match="cannot be written"):
        build(photographs, tmp_path / "file")


def test_unreadable_photographs_are_named_and_remembered(
    photographs: list[Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = build(photographs, tmp_path / "cache")
    assert [p.name for p in first.skipped] == ["3x.jpg"]
    assert "3x.jpg is not an image" in caplog.text
    assert build(photographs, tmp_path / "cache") == first
    with pytest.raises(CacheError, match="None of the 1 "):
        build([p for p in photographs if p.name == "3x.jpg"], tmp_path / "cache")
