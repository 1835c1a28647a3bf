"""Folders of a run's shards → the folder that one run would have written."""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slotlight.config import FormatConfig
from slotlight.discovery.pictures import Pictures
from slotlight.discovery.record import PROGRESS, Line, whole_lines
from slotlight.discovery.results import FAILURES, OUTPUTS, SHARD, failures, of_model, write_results
from slotlight.discovery.shards import Shard
from slotlight.errors import OutputError
from slotlight.files import (
    begin_run,
    differences,
    is_claimed,
    run_identity,
    whole_file,
    write_text,
    writing_to,
)

_RUN_AGAIN = "run its `slotlight discover` again"


@dataclass(frozen=True)
class _Part:
    """One folder, and what it says of itself.

    Attributes:
        shard: Which part it is.
        identity: Of the run, without the shard.
        photographs: How many the whole run has, and a hash of their paths.
    """

    folder: Path
    shard: Shard
    identity: dict[str, Any]
    photographs: dict[str, Any]


@dataclass(frozen=True)
class Merged:
    """What a merged folder holds."""

    photographs: int
    failures: int


def merge_shards(folders: Sequence[Path], out: Path, *, start_over: bool = False) -> Merged:
    """Put the shards of a run together: the result is byte for byte that of one run.

    The shards are read, never changed; a shard that is named several times counts once. Stopped in the middle, the same
    call goes on.

    Args:
        folders: What `slotlight discover --shard` wrote, in any order.
        out: A new or empty folder, or one of an earlier merge.
        start_over: Delete what another run wrote there.

    Raises:
        OutputError: A shard is missing, unfinished or of another run, or the folder cannot be written.
    """
    parts = [_read(folder) for folder in folders]
    _check(parts)
    identity = parts[0].identity
    with begin_run(out, identity, outputs=OUTPUTS, start_over=start_over), writing_to(out):
        return _merge({part.shard.number: part for part in parts}, identity, out)


def _merge(parts: Mapping[int, _Part], identity: dict[str, Any], out: Path) -> Merged:
    offsets: dict[str, int] = {}
    names: set[str] = set()
    before = {line.name for line in whole_lines(out / PROGRESS)}

    def lines() -> Iterator[str]:
        end = 0
        for part in parts.values():
            for line in whole_lines(part.folder / PROGRESS):
                _copy_pictures(line, part.folder, out, identity)
                text = line.encoded()
                offsets[line.file] = end
                names.add(line.name)
                end += len(text)
                yield text

    (out / FAILURES).unlink(missing_ok=True)
    write_text(out / PROGRESS, lines())
    for name in before - names:  # of photographs that are gone
        for picture in _pictures(out, identity).paths(name):
            picture.unlink(missing_ok=True)
    write_results(out, of_model(identity), offsets, FormatConfig.of_identity(identity))
    return Merged(len(offsets), sum(1 for _ in failures(out, offsets)))


def _copy_pictures(line: Line, source: Path, out: Path, identity: Mapping[str, Any]) -> None:
    there, here = (_pictures(folder, identity).paths(line.name) for folder in (source, out))
    copies = [out / picture.relative_to(source) for picture in there]
    for picture in set(here) - set(copies):  # a cutout of the photograph before it changed
        picture.unlink(missing_ok=True)
    for picture, copy in zip(there, copies, strict=True):
        if not picture.is_file():  # of a photograph that failed, or an overlay that could not be drawn
            continue
        status = picture.stat()
        if copy.is_file() and _same(copy.stat(), status):
            continue
        with whole_file(copy, durable=False) as partial:
            shutil.copy2(picture, partial)


def _pictures(folder: Path, identity: Mapping[str, Any]) -> Pictures:
    cutouts = "cutouts" in FormatConfig.of_identity(identity).format
    return Pictures(folder, overlays=identity["overlays"], masks=identity["masks"], cutouts=cutouts)


def _same(one: Any, other: Any) -> bool:
    return bool((one.st_size, one.st_mtime_ns) == (other.st_size, other.st_mtime_ns))


def _read(folder: Path) -> _Part:
    identity = (run_identity(folder) if is_claimed(folder) else None) or {}
    if "shard" not in identity:
        raise OutputError(f"{folder} is not a shard; name folders that `slotlight discover --shard` wrote.")
    shard = Shard.parse(str(identity.pop("shard")))
    try:
        finished = json.loads((folder / SHARD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise OutputError(f"The shard {shard} in {folder} is not finished; {_RUN_AGAIN}.") from None
    if sum(1 for _ in whole_lines(folder / PROGRESS)) != finished.pop("here"):
        raise OutputError(f"The record of shard {shard} in {folder} has lost photographs; {_RUN_AGAIN}.")
    return _Part(folder, shard, identity, finished)


def _check(parts: Sequence[_Part]) -> None:
    """Refuse what is not all of one run, in one sentence that names the shard."""
    if not parts:
        raise OutputError("There is nothing to merge; name folders that `slotlight discover --shard` wrote.")
    first = parts[0]
    for part in parts:
        if part.shard.of != first.shard.of:
            raise OutputError(
                f"{part.folder} is the shard {part.shard} and {first.folder} is {first.shard}; "
                "name the shards of one run."
            )
        if part.identity != first.identity:
            found = differences(first.identity, part.identity)
            raise OutputError(
                f"The shard {part.shard} in {part.folder} belongs to another run than {first.shard} in {first.folder} "
                f"({found}); run it again with the settings of the others."
            )
        if part.photographs != first.photographs:
            counts = [one.photographs["photographs"] for one in (part, first)]
            raise OutputError(
                f"The shard {part.shard} in {part.folder} covers other photographs than {first.shard} in "
                f"{first.folder} ({counts[0]:,} and {counts[1]:,} of them in all); run it again over the same paths."
            )
    missing = sorted(set(range(1, first.shard.of + 1)) - {part.shard.number for part in parts})
    if missing:
        shown = ", ".join(f"{number}/{first.shard.of}" for number in missing[:10])
        more = f" and {len(missing) - 10} more" if len(missing) > 10 else ""
        raise OutputError(f"Missing: shard {shown}{more}; run what is missing, and name every shard.")
