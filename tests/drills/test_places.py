"""Two processes in one folder, terminals of every kind, no home, a folder that cannot be written."""

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from commands import Command, contents
from damage import Drill
from small_runs import COMMANDS, SKIP, difference, result

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

NOTHING = "/nonexistent"
PLACES: dict[str, dict[str, Any]] = {
    "ascii": {"encoding": "ascii"},
    "cp1252": {"encoding": "cp1252"},
    "latin-1": {"encoding": "latin-1"},
    "full stdout": {"stdout": "/dev/full"},
    "closed stdout": {"stdout": ""},
    "no home": {
        "environment": {"HOME": None, "XDG_CACHE_HOME": NOTHING, "MPLCONFIGDIR": NOTHING, "HF_HOME": NOTHING}
    },
    "home that is not there": {"environment": {"HOME": NOTHING}},
    "dumb and narrow": {"environment": {"TERM": "dumb", "COLUMNS": "8", "LC_ALL": "C"}},
    "forced colours": {"encoding": "ascii", "environment": {"FORCE_COLOR": "1", "COLUMNS": "20"}},
    "cwd that cannot be written": {"cwd": Path("/proc")},
}


@pytest.mark.parametrize("name", COMMANDS)
def test_two_processes(
    command: Callable[..., Command],
    photographs: Path,  # noqa: ARG001 - they are made
    tmp_path: Path,
    drill: Drill,
    rng: random.Random,
    name: str,
) -> None:
    arguments = COMMANDS[name]
    whole = command(*arguments, "--out", "whole").end()
    assert (whole.status, whole.fault) == (0, ""), whole.output
    for number in range(6):
        out = f"out{number}"
        first = Command(*arguments, "--out", out, log=tmp_path / "first", cwd=tmp_path)
        time.sleep(rng.uniform(0, 0.5 * whole.seconds))
        second = Command(*arguments, "--out", out, log=tmp_path / "second", cwd=tmp_path)
        ended = [first.end(), second.end()]
        said = [
            "Another process is writing to" in one.output and one.output.count("\n") == 1 for one in ended
        ]
        right = [
            one.status == 0 or (one.status == 1 and refused) for one, refused in zip(ended, said, strict=True)
        ]
        fault = "".join(one.fault for one in ended)
        fault = fault or (
            "" if all(right) and not all(said) else ended[0].output[-300:] + ended[1].output[-300:]
        )
        fault = fault or difference(result(tmp_path / out), result(tmp_path / "whole"))
        drill.note(f"{name}, {number}", fault, max(one.seconds for one in ended))
    drill.check(6)


@pytest.mark.parametrize("name", COMMANDS)
def test_terminals(command: Callable[..., Command], photographs: Path, drill: Drill, name: str) -> None:
    for file, new in (
        ("0.jpg", "猫[bold]é.jpg"),
        ("1.jpg", "ligne\n\x1b[31m2.jpg"),
        ("2.jpg", "\udcff\udcfe.jpg"),
    ):
        for folder in ("pictures", "masks"):
            suffix = ".jpg" if folder == "pictures" else ".png"
            path = photographs / folder / Path(file).with_suffix(suffix)
            path.rename(path.with_name(new.replace(".jpg", suffix)))
    (photographs / "pictures/brokén\n.jpg").write_bytes(b"no photograph")
    before = contents(photographs / "pictures")
    arguments = [str(photographs / one) if one in ("pictures", "masks") else one for one in COMMANDS[name]]
    if name == "evaluate":  # the protocol of that name
        arguments[arguments.index("--protocol") + 1] = "masks"
    status = 1 if name == "discover" else 0
    expected: dict[str, object] | None = None
    for label, place in ({"plain": {}} | PLACES).items():
        out = photographs / label
        ended = command(*arguments, *SKIP.get(name, ()), "--out", out, **place).end()
        fault = ended.fault or (
            "" if ended.status == status else f"status {ended.status}: {ended.output[-500:]}"
        )
        if "\x1b" in ended.output and label != "forced colours":
            fault = fault or "an escape of a name reached the terminal"
        expected = expected or result(out)
        drill.note(f"{name}, {label}", fault or difference(result(out), expected), ended.seconds)
    assert before == contents(photographs / "pictures")
    drill.check(len(PLACES))
