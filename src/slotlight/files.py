"""Files that are written whole or not at all; folders that Slotlight owns; the identity of the run in a folder.

A run is identified by what decides its result, as plain JSON values: fingerprints of model and data, settings. The same
identity goes on with what is in the folder, any other is refused in one sentence: nothing is mixed, nothing is wiped
without being asked for.
"""

import csv
import hashlib
import io
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from slotlight.errors import OutputError

MARKER = ".slotlight"
"""A file in every folder that Slotlight wrote: what lies below such a folder is never an input."""

_LOCK = ".slotlight.lock"

RESUMES = "Finished work is kept; the same command resumes from there."


@contextmanager
def writing_to(place: Path, *, promise: str = "") -> Iterator[None]:
    """Turn the system's faults in writing into one clear sentence.

    Args:
        place: The file or folder that is written.
        promise: A sentence about what is kept.

    Raises:
        OutputError: It cannot be written.

    Example:
        >>> with writing_to(Path("out")):
        ...     raise OSError(28, "No space left on device")
        Traceback (most recent call last):
        slotlight.errors.OutputError: out cannot be written: No space left on device; make room or choose another --out.
    """
    try:
        yield
    except OSError as fault:
        sentence = f"{place} cannot be written: {fault.strerror or fault}; make room or choose another --out."
        raise OutputError(f"{sentence} {promise}".strip()) from fault


@contextmanager
def whole_file(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Give a temporary path to write to; it becomes ``path`` once it is written, or never.

    A kill at any moment leaves the former file or the new one.

    Args:
        path: Its folder is made if need be. The temporary name ends as it does, for writers that look at the suffix.
        durable: Wait until the content has reached the disk, so that a power cut is no different from a kill.

    Example:
        >>> with whole_file(Path("note.txt")) as partial:
        ...     _ = partial.write_text("all of it")
        >>> Path("note.txt").read_text()
        'all of it'
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".partial.{path.name}")
    try:
        yield partial
        if durable:
            with partial.open("rb") as file:
                os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


def write_text(path: Path, pieces: Iterable[str]) -> None:
    r"""Write a text file whole or not at all, piece by piece, so that it need not fit in memory.

    Bytes of a file's name that are not UTF-8 are spelt out (``\udcff``).
    """
    with (
        whole_file(path) as partial,
        partial.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file,
    ):
        file.writelines(pieces)


def csv_line(values: Iterable[object]) -> str:
    """A line of a CSV file.

    Example:
        >>> csv_line(("a, b.jpg", 1)).strip()
        '"a, b.jpg",1'
    """
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(values)
    return line.getvalue()


def digest(*values: Any) -> str:
    """A hash of plain JSON values: equal for equal values, in any process.

    Example:
        >>> digest({"seed": 0, "size": 2}) == digest({"size": 2, "seed": 0})
        True
    """
    text = json.dumps(values, sort_keys=True, default=str)
    return bytes_digest(text.encode("utf-8", "surrogatepass"))


def bytes_digest(content: bytes) -> str:
    """A hash of bytes, short enough for a name."""
    return hashlib.sha256(content).hexdigest()[:16]


def sealed(record: Mapping[str, Any]) -> str:
    """A record as a line of JSON that holds a digest of the rest, so that damage is noticed.

    Example:
        >>> line = sealed({"seen": 3})
        >>> unsealed(line), unsealed(line.replace("3", "4", 1)), unsealed(line[:-5])
        ({'seen': 3}, None, None)
    """
    return json.dumps({**record, "digest": digest(record)})


def unsealed(line: str | bytes) -> dict[str, Any] | None:
    """What was `sealed`; None where it is damaged or a kill cut it off."""
    try:
        record = json.loads(line)
        return record if isinstance(record, dict) and record.pop("digest", None) == digest(record) else None
    except (ValueError, RecursionError):
        return None


def file_digest(path: Path) -> str:
    """A hash of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def pretrained(*names: str) -> Path:
    """A file or folder among the weights in the package.

    Example:
        >>> pretrained("config.json").is_file()
        True
    """
    return Path(str(files("slotlight").joinpath("pretrained", *names)))


def stamp(path: Path) -> tuple[str, int, int]:
    """What changes when a file does, without reading it: its absolute path, size in bytes, time of change in ns.

    A file that cannot be looked up has the size -1: reading it will say why, in its turn.
    """
    try:
        stat = path.stat()
    except OSError:
        return str(path.absolute()), -1, -1
    return str(path.absolute()), stat.st_size, stat.st_mtime_ns


def changed_ns(path: Path) -> int:
    """When a file, or who may read it, was last changed, in ns; -1 where it cannot be looked up."""
    try:
        return path.stat().st_ctime_ns
    except OSError:
        return -1


def claim_folder(folder: Path) -> FileLock:
    """Make a folder ours to write to, until the lock that is returned is released.

    A folder that holds anything that Slotlight did not write is refused, so that no file of the user's can ever be
    written over, whatever its name.

    Raises:
        OutputError: It holds other files, another process is writing to it, or it cannot be written.
    """
    with writing_to(folder):
        if not is_claimed(folder):
            if folder.is_dir() and (foreign := _foreign_file(folder)):
                raise OutputError(
                    f"{folder} holds files that Slotlight did not write, such as {foreign.name}; "
                    "choose a new or empty folder for --out."
                )
            folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / _LOCK, blocking=False)
        try:
            lock.acquire()
        except Timeout:
            raise OutputError(
                f"Another process is writing to {folder}; wait until it ends, or choose another folder for --out."
            ) from None
        (folder / MARKER).touch()
    return lock


@contextmanager
def begin_run(
    folder: Path, identity: Mapping[str, Any], *, outputs: Iterable[str], start_over: bool = False
) -> Iterator[None]:
    """Claim a folder for a run, until the context is left; resume the run in it if it is the same.

    Args:
        folder: Made if need be.
        identity: Everything that decides the run's result, as plain JSON values by name.
        outputs: The names of all files and folders that such a run writes in the folder.
        start_over: Delete these first, whatever run they are of.

    Raises:
        OutputError: The folder holds another run, and what differs; or see `claim_folder`.
    """
    lock = claim_folder(folder)
    try:
        with writing_to(folder):
            asked: dict[str, Any] = json.loads(json.dumps(dict(identity), default=str))
            if start_over:
                _remove(folder, outputs)
            elif (former := run_identity(folder, outputs)) is not None and former != asked:
                raise OutputError(
                    f"{folder} holds another run ({differences(former, asked)}); choose another folder for --out, "
                    "or pass --start-over to delete what that run wrote."
                )
            write_text(folder / MARKER, [json.dumps(asked, indent=1)])
        yield
    finally:
        lock.release()


def is_claimed(folder: Path) -> bool:
    """Whether Slotlight wrote this folder."""
    return (folder / MARKER).is_file()


def claimed_parent(path: Path) -> Path | None:
    """The outermost folder above a path that Slotlight wrote; None where there is none."""
    found = None
    with suppress(OSError):  # where nothing can be looked up, nothing of ours was written
        for folder in path.absolute().parents:
            found = folder if is_claimed(folder) else found
    return found


def _foreign_file(folder: Path) -> Path | None:
    """A visible entry of a folder."""
    return next((entry for entry in sorted(folder.iterdir()) if not entry.name.startswith(".")), None)


def run_identity(folder: Path, outputs: Iterable[str] = ()) -> dict[str, Any] | None:
    """The identity of the run in a folder; None where no run has begun, though not where its ``outputs`` lie."""
    unreadable = {"run": "unreadable"}
    try:
        text = (folder / MARKER).read_text(encoding="utf-8")
        found: dict[str, Any] | None = json.loads(text) if text else None
    except (ValueError, RecursionError):
        return unreadable
    if found is None and any((folder / name).exists() for name in outputs):
        return unreadable
    return found if found is None or isinstance(found, dict) else unreadable


def differences(former: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """What differs between two identities, in words; long values are not shown."""
    return ", ".join(
        f"{name} was {_shown(former.get(name))} and is now {_shown(asked.get(name))}"
        for name in dict.fromkeys([*asked, *former])
        if former.get(name) != asked.get(name)
    )


def _shown(value: Any) -> str:
    text = "absent" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _remove(folder: Path, outputs: Iterable[str]) -> None:
    for name in outputs:
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
