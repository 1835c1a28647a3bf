"""Shards put together: the bytes of one run, whatever the split, the order and the repetitions."""

import json
from pathlib import Path

import pytest
from PIL import Image

from commands import files_below
from slotlight.discovery.discoverer import Discoverer
from slotlight.discovery.merging import merge_shards
from slotlight.discovery.pictures import discover_entries
from slotlight.discovery.results import ResultFolder
from slotlight.discovery.shards import Shard
from slotlight.errors import OutputError
from slotlight.loading import load

IDENTITY = {"model": "centre-box", "seed": 0}


@pytest.fixture(scope="module")
def discoverer() -> Discoverer:
    return load("centre-box")


@pytest.fixture
def photographs(tmp_path, photo_paths) -> list[Path]:
    """Twelve small ones and one that is broken."""
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(12):
        picture = Image.open(photo_paths[number % 4])
        picture.thumbnail((90 + 4 * number, 90))
        picture.save(folder / f"{number:02}.jpg")
    (folder / "broken.jpg").write_text("no image")
    return sorted(folder.iterdir())


def run(
    out: Path, photographs: list[Path], discoverer: Discoverer, shard: str = "", **identity: object
) -> Path:
    part = Shard.parse(shard) if shard else None
    results = ResultFolder(out, photographs, IDENTITY | identity, shard=part)
    lines = discover_entries(discoverer, results.left, results.pictures, batch_size=2, seed=0)
    assert len(list(results.take(lines))) == len(results.left)
    results.finish()
    results.close()
    return out


@pytest.mark.slow
def test_sixteen_shards_of_the_embedded_model(tmp_path, photographs):
    check_split(tmp_path, photographs, load("embedded"), 16)


@pytest.mark.parametrize("count", [1, 16])
def test_any_split_gives_the_bytes_of_one_run(tmp_path, photographs, discoverer, count):
    check_split(tmp_path, photographs, discoverer, count)


def check_split(tmp_path: Path, photographs: list[Path], discoverer: Discoverer, count: int) -> None:
    whole = run(tmp_path / "whole", photographs, discoverer)
    shards = [
        run(tmp_path / f"s{number}", photographs[::-1], discoverer, f"{number}/{count}")
        for number in range(count, 0, -1)
    ]
    merged = merge_shards([*shards, shards[0]], tmp_path / "merged")
    assert (merged.photographs, merged.failures) == (13, 1)
    assert files_below(tmp_path / "merged") == files_below(whole)
    assert len(files_below(whole)) == 2 + 2 * 12
    merge_shards(shards[::-1], tmp_path / "merged")
    assert files_below(tmp_path / "merged") == files_below(whole)
    again = ResultFolder(tmp_path / "merged", photographs, IDENTITY)  # and one run goes on from there
    assert again.left == []


def test_photographs_that_are_gone_leave_the_merged_folder(tmp_path, photographs, discoverer):
    for files in (photographs, photographs[:6]):
        shards = [run(tmp_path / f"s{n}", files, discoverer, f"{n}/2") for n in (1, 2)]
        merge_shards(shards, tmp_path / "merged")
    whole = run(tmp_path / "whole", photographs[:6], discoverer)
    assert files_below(tmp_path / "merged") == files_below(whole)


class TestWrongUse:
    """Each is one sentence that names the shard."""

    @pytest.fixture
    def shards(self, tmp_path, photographs, discoverer):
        return [run(tmp_path / f"s{n}", photographs, discoverer, f"{n}/3") for n in (1, 2, 3)]

    def refused(self, folders: list[Path], match: str) -> None:
        out = folders[0].parent / "merged" if folders else Path("merged")
        with pytest.raises(OutputError, match=match):
            merge_shards(folders, out)
        assert not out.exists()

    def test_missing_unfinished_or_no_shard(self, shards, tmp_path, photographs, discoverer):
        self.refused(shards[::2], r"^Missing: shard 2/3; run what is missing")
        self.refused([], "nothing to merge")
        self.refused([*shards, run(tmp_path / "whole", photographs, discoverer)], "whole is not a shard")
        self.refused([*shards, tmp_path / "nowhere"], "nowhere is not a shard")
        stopped = ResultFolder(shards[1], photographs, IDENTITY, shard=Shard(2, 3))
        stopped.close()
        self.refused(shards, "The shard 2/3 in .*s2 is not finished")

    def test_another_run(self, shards, tmp_path, photographs, discoverer):
        other = run(tmp_path / "other", photographs, discoverer, "2/3", seed=1)
        self.refused([shards[0], other, shards[2]], r"The shard 2/3 in .*other .*seed was 0 and is now 1")
        fewer = run(tmp_path / "fewer", photographs[:9], discoverer, "3/3")
        self.refused([*shards[:2], fewer], r"The shard 3/3 in .*fewer covers other photographs .*9 and 13")
        half = run(tmp_path / "half", photographs, discoverer, "1/2")
        self.refused([*shards, half], "half is the shard 1/2 and .*s1 is 1/3")

    def test_a_merged_folder_is_not_overwritten_by_another_run(
        self, shards, tmp_path, photographs, discoverer
    ):
        merge_shards(shards, tmp_path / "merged")
        other = [run(tmp_path / f"o{n}", photographs, discoverer, f"{n}/2", seed=1) for n in (1, 2)]
        with pytest.raises(OutputError, match="holds another run"):
            merge_shards(other, tmp_path / "merged")
        merge_shards(other, tmp_path / "merged", start_over=True)
        assert json.loads((tmp_path / "merged/objects.json").read_text())["info"]["seed"] == 1

    def test_a_damaged_record_of_a_shard_does_not_pass_for_a_whole_one(self, shards):
        record = (shards[0] / ".progress.jsonl").read_text()
        (shards[0] / ".progress.jsonl").write_text(record[:-20])
        self.refused(shards, "has lost photographs")
