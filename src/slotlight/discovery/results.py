"""Discoveries → a folder: ``objects.json`` or other formats, ``masks/``, ``overlays/``, ``failures.json``.

A photograph is done when its line is in the record ``.progress.jsonl``, written after its pictures. The same run,
started again, goes on from there: photographs that have changed or are new are looked at, pictures of those that are
gone are deleted, and the end is that of a fresh run.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from textwrap import indent
from typing import IO, Any

from slotlight.config.formats import FORMAT_KEYS, FormatConfig
from slotlight.discovery.naming import picture_names
from slotlight.discovery.pictures import Pictures
from slotlight.discovery.record import PROGRESS, Entry, Line, sorted_lines, whole_lines
from slotlight.discovery.shards import Shard, image_ids
from slotlight.errors import ConfigError
from slotlight.files import RESUMES, begin_run, digest, write_text, writing_to
from slotlight.formats.found import Found, FoundPhotograph
from slotlight.formats.registry import OUTPUTS as FORMAT_OUTPUTS
from slotlight.formats.registry import check_installed, write_formats
from slotlight.images.places import LocalFile, Located, group_number

FAILURES = "failures.json"
"""Written last, and taken away when a run begins: where it lies, the run is finished."""

SHARD = ".shard.json"
OUTPUTS = (*FORMAT_OUTPUTS, FAILURES, "masks", "overlays", PROGRESS, SHARD)


class ResultFolder:
    """Keeps what a run discovers, safely against kills and full disks.

    Args:
        folder: Made if need be.
        photographs: All photographs of the run, of its other shards too; they decide the names of the pictures.
        identity: What decides the run's result beside the photographs; ``objects.json`` tells it.
        formats: What is written at the end.
        overlays: Whether to draw ``overlays/``.
        masks: Whether to write ``masks/``.
        shard: The part of the run that this folder holds; without it, all.
        retry_failed: Look again at photographs that failed before, even if they have not changed.
        start_over: Delete what another run wrote here.

    Attributes:
        pictures: Where the pictures are written.
        entries: The photographs of this folder, in the order in which they were given.
        left: Those that are still to be looked at.
        failed_before: How many failed in an earlier run and are not looked at again.

    Raises:
        OutputError: The folder cannot be written, is in use, or holds another run.
        ConfigError: A format needs a library that is missing, or a photograph lies elsewhere than the formats' root.
    """

    def __init__(
        self,
        folder: Path,
        photographs: Sequence[Path | Located],
        identity: Mapping[str, Any],
        *,
        formats: FormatConfig = FormatConfig(),  # noqa: B008
        overlays: bool = True,
        masks: bool = True,
        shard: Shard | None = None,
        retry_failed: bool = False,
        start_over: bool = False,
    ) -> None:
        located = [one if isinstance(one, Located) else Located.at(one) for one in photographs]
        _check(formats, located)
        self.folder, self.identity, self.shard, self.formats = folder, dict(identity), shard, formats
        self.pictures = Pictures(folder, overlays, masks, "cutouts" in formats.format)
        names, ids = picture_names(located), _ids(located)
        self.entries = [
            Entry(one.file, names[one], ids[one.file], one.place.stamp(), one.place, one.address)
            for one in located
            if shard is None or shard.has(_share(one, ids))
        ]
        self._all = {"photographs": len(ids), "digest": digest(sorted(ids))}
        self._retry_failed = retry_failed
        self._progress = folder / PROGRESS
        kept = (
            {"overlays": overlays, "masks": masks}
            | formats.identity()
            | ({"shard": str(shard)} if shard else {})
        )
        with ExitStack() as claims:
            claims.enter_context(
                begin_run(folder, self.identity | kept, outputs=OUTPUTS, start_over=start_over)
            )
            with writing_to(folder, promise=RESUMES):
                self.failed_before = 0
                self._offsets = self._resume()
                self._lines: IO[str] = self._progress.open("a", encoding="utf-8")
            self._claims = claims.pop_all()
        self.left = [entry for entry in self.entries if entry.file not in self._offsets]

    def take(self, lines: Iterable[Line]) -> Iterator[Line]:
        """Record photographs as they are finished."""
        with writing_to(self.folder, promise=RESUMES):
            for line in lines:
                self._offsets[line.file] = self._lines.tell()
                self._lines.write(line.encoded())
                self._lines.flush()
                yield line

    def finish(self) -> None:
        """Write the formats and ``failures.json``."""
        with writing_to(self.folder, promise=RESUMES):
            self._lines.close()
            write_results(self.folder, self.identity, self._offsets, self.formats)
            if self.shard:
                write_text(self.folder / SHARD, [json.dumps(self._all | {"here": len(self._offsets)})])

    def failures(self) -> Iterator[Line]:
        """The photographs that failed, by file."""
        return failures(self.folder, self._offsets)

    def close(self) -> None:
        """Let go of files and the folder; what is recorded stays for the next run."""
        self._claims.close()
        with writing_to(self.folder, promise=RESUMES):
            self._lines.close()

    def _resume(self) -> dict[str, int]:
        """Take up an earlier record: where the line of each photograph that is still done begins."""
        offsets: dict[str, int] = {}
        stale: set[str] = set()
        current = {entry.file: entry for entry in self.entries}
        for name in (FAILURES, SHARD):
            (self.folder / name).unlink(missing_ok=True)

        def kept() -> Iterator[str]:
            end = 0
            for line in whole_lines(self._progress):
                if line.file not in offsets and self._is_current(line, current.get(line.file)):
                    text = line.encoded()
                    offsets[line.file] = end
                    end += len(text)  # what is written is ASCII
                    self.failed_before += bool(line.cause)
                    yield text
                else:
                    stale.add(line.name)

        write_text(self._progress, kept())
        if stale:
            for name in stale - {entry.name for entry in self.entries}:
                for picture in self.pictures.paths(name):
                    picture.unlink(missing_ok=True)
        return offsets

    def _is_current(self, line: Line, entry: Entry | None) -> bool:
        """Whether a line is of this photograph as it is now, under the name that it has now."""
        if entry is None or (line.name, line.image_id) != (entry.name, entry.image_id):
            return False
        if line.cause:
            return not self._retry_failed and line == Line.failed(entry, line.cause)
        return line.stamp == entry.stamp and self.pictures.are_complete(line)


def _ids(photographs: Sequence[Located]) -> dict[str, int]:
    own = {one.file: number for one in photographs if (number := one.own_number) is not None}
    return image_ids((one.file for one in photographs), own)


def _share(photograph: Located, ids: Mapping[str, int]) -> int:
    """A number that decides which shard a photograph belongs to."""
    group = photograph.place.group
    return group_number(group) if group else ids[photograph.file]


def _check(formats: FormatConfig, photographs: Sequence[Located]) -> None:
    """Refuse what the formats cannot do before any work is done."""
    check_installed(formats.format)
    for one in photographs:
        formats.file_name(one.address or one.file)
        if "yolo" in formats.format and not isinstance(one.place, LocalFile):
            raise ConfigError(
                f"{one.address or one.file} is not a file of this machine, and the format 'yolo' is made of links to "
                "files; choose another format."
            )


def write_results(
    folder: Path,
    identity: Mapping[str, Any],
    offsets: Mapping[str, int],
    formats: FormatConfig = FormatConfig(),  # noqa: B008
) -> None:
    """Write the formats, and last ``failures.json``, of the photographs in a folder's record."""
    found = found_in(folder, identity, offsets, formats)
    write_formats(found, folder, formats, written=("cutouts",))  # with the pictures
    causes = (line.names | {"cause": line.cause} for line in failures(folder, offsets))
    write_text(folder / FAILURES, _json_list(causes))


def of_model(identity: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a run's identity that decides which objects it finds."""
    written = ("overlays", "masks", "shard", *FORMAT_KEYS)
    return {name: value for name, value in identity.items() if name not in written}


def found_in(
    folder: Path, identity: Mapping[str, Any], offsets: Mapping[str, int], formats: FormatConfig
) -> Found:
    """What a folder's record holds, as the formats take it."""

    def photographs() -> Iterator[FoundPhotograph]:
        for line in sorted_lines(folder / PROGRESS, offsets):
            yield line.found(formats.file_name(line.names["file"]))

    return Found(identity, photographs)


def _json_list(records: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A list in JSON, piece by piece."""
    start = "["
    for record in records:
        yield start + "\n" + indent(json.dumps(record, indent=2), "  ")
        start = ","
    yield "[]" if start == "[" else "\n]"


def failures(folder: Path, offsets: Mapping[str, int]) -> Iterator[Line]:
    """The photographs of a folder's record that failed, by file."""
    return (line for line in sorted_lines(folder / PROGRESS, offsets) if line.cause)
