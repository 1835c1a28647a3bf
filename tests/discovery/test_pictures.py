"""A run over photographs where they lie: stores, servers, archives and tables, with stops, shards and workers."""

import json
import tarfile
from functools import partial
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from PIL import Image

from commands import files_below
from slotlight.discovery.discoverer import Discoverer
from slotlight.discovery.merging import merge_shards
from slotlight.discovery.pictures import discover_entries
from slotlight.discovery.results import ResultFolder
from slotlight.discovery.shards import Shard
from slotlight.discovery.workers import Work, discover_in_workers
from slotlight.images.sources import survey_sources
from slotlight.loading import load
from web_server import serving

IDENTITY = {"model": "centre-box", "seed": 0}


@pytest.fixture(scope="module")
def discoverer() -> Discoverer:
    return load("centre-box")


@pytest.fixture
def folder(tmp_path, photo_paths) -> Path:
    """Photographs of several sizes in a tar, a table of bytes, a manifest, and on their own."""
    folder = tmp_path / "in"
    folder.mkdir()
    for number, path in enumerate(photo_paths):
        picture = Image.open(path)
        picture.thumbnail((80 + 16 * number, 90))
        picture.save(folder / f"{number}.jpg")
    with tarfile.open(folder / "t.tar", "w") as archive:
        archive.add(folder / "0.jpg", "../climbing.jpg")
        archive.add(folder / "1.jpg", "deep/1.jpg")
    contents = [(folder / f"{number}.jpg").read_bytes() for number in (2, 3, 0)]
    table = pyarrow.table({"image": [*contents[:2], b"no image", contents[2]]})
    pyarrow.parquet.write_table(table, folder / "p.parquet", row_group_size=2)
    (folder / "broken.jpg").write_text("no image")
    return folder


def run(
    out: Path, names: list[str], discoverer: Discoverer, shard: str = "", stop_after: int | None = None
) -> Path:
    part = Shard.parse(shard) if shard else None
    results = ResultFolder(out, survey_sources(names).photographs, IDENTITY, shard=part)
    lines = discover_entries(discoverer, results.left[:stop_after], results.pictures, batch_size=2, seed=0)
    assert len(list(results.take(lines))) == len(results.left[:stop_after])
    if stop_after is None:
        results.finish()
    results.close()
    return out


def objects(out: Path) -> dict[str, list[object]]:
    """What each photograph is called, and its boxes."""
    found = json.loads((out / "objects.json").read_text())
    boxes = {image["id"]: [] for image in found["images"]}
    for annotation in found["annotations"]:
        boxes[annotation["image_id"]].append(annotation["bbox"])
    return {image["file_name"]: boxes[image["id"]] for image in found["images"]}


def test_any_source_gives_what_local_files_give(tmp_path, folder, discoverer):
    with serving(folder) as web:
        (folder / "m.csv").write_text(
            f"id,url\n12,3.jpg\ncat/../x,{web.url}/2.jpg\n13,{web.url}/forbidden/0.jpg\n"
        )
        names = [
            f"{web.url}/0.jpg",
            f"{web.url}/broken.jpg",
            *(str(folder / n) for n in ("t.tar", "p.parquet")),
        ]
        names += [f"{web.url}/m.csv", f"{web.url}/t.tar", f"{web.url}/gone.jpg"]
        whole = run(tmp_path / "whole", names, discoverer)
        asked = web.asked.copy()
        run(tmp_path / "stopped", names, discoverer, stop_after=7)
        assert files_below(run(tmp_path / "stopped", names, discoverer)) == files_below(whole)
        shards = [run(tmp_path / f"s{n}", names, discoverer, f"{n}/3") for n in (1, 2, 3)]
        merge_shards(shards, tmp_path / "merged")
        assert files_below(tmp_path / "merged") == files_below(whole)
        before = web.asked.copy()
        run(tmp_path / "whole", names, discoverer)
    local = objects(run(tmp_path / "local", [str(folder / f"{n}.jpg") for n in range(4)], discoverer))
    boxes = [local[str(folder / f"{number}.jpg")] for number in range(4)]
    remote, tar, table = web.url, folder / "t.tar", folder / "p.parquet"
    assert objects(whole) == {
        f"{remote}/0.jpg": boxes[0],
        **{f"{tar}/../climbing.jpg": boxes[0], f"{tar}/deep/1.jpg": boxes[1]},
        **{f"{table}/0": boxes[2], f"{table}/1": boxes[3], f"{table}/3": boxes[0]},
        **{f"{remote}/3.jpg": boxes[3], f"{remote}/2.jpg": boxes[2]},
        **{f"{remote}/t.tar/../climbing.jpg": boxes[0], f"{remote}/t.tar/deep/1.jpg": boxes[1]},
    }
    # photographs are asked for once: not to find them, and not again by a run that has them
    assert [asked[f"/{n}.jpg"] for n in (0, 2, 3)] == [1, 1, 1]
    assert [(web.asked - before)[f"/{n}.jpg"] for n in (0, 2, 3)] == [0, 0, 0]
    images = json.loads((whole / "objects.json").read_text())["images"]
    assert {image["key"]: image["file_name"] for image in images if "key" in image} == {
        "12": f"{remote}/3.jpg",
        "cat/../x": f"{remote}/2.jpg",
    }
    assert [image["id"] for image in images if image.get("key") == "12"] == [12]
    failures = json.loads((whole / "failures.json").read_text())
    assert {failure["file"]: failure.get("key") for failure in failures} == {
        f"{remote}/forbidden/0.jpg": "13",
        f"{table}/2": None,
        f"{remote}/broken.jpg": None,
        f"{remote}/gone.jpg": None,
    }
    assert all(failure["cause"].startswith(failure["file"]) for failure in failures)
    written = set(files_below(whole))
    assert len([name for name in written if name.startswith("masks/")]) == 10
    assert not [name for name in written if ".." in Path(name).parts]


@pytest.mark.slow
def test_workers_share_any_source(tmp_path, folder, discoverer):
    with serving(folder) as web:
        names = [str(folder / "t.tar"), str(folder / "p.parquet"), *(f"{web.url}/{n}.jpg" for n in range(4))]
        whole = run(tmp_path / "whole", names, discoverer)
        results = ResultFolder(tmp_path / "out", survey_sources(names).photographs, IDENTITY)
        work = Work(partial(load, "centre-box"), results.pictures, batch_size=2, seed=0, threads=1)
        assert len(list(results.take(discover_in_workers(work, results.left, 2)))) == 10
        results.finish()
        results.close()
    assert files_below(tmp_path / "out") == files_below(whole)
