"""The command line: which command runs, and how its faults end.

Torch is imported inside the commands, so that ``--help`` comes at once.
"""

import os
import re
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib.metadata import requires
from types import FrameType

import tyro

import slotlight
from slotlight.cli.calibrate import calibrate
from slotlight.cli.convert import convert
from slotlight.cli.demo import demo
from slotlight.cli.discover import discover
from slotlight.cli.distil import distil
from slotlight.cli.evaluate import evaluate
from slotlight.cli.export import export
from slotlight.cli.groups import groups
from slotlight.cli.merge import merge
from slotlight.cli.models import models
from slotlight.cli.push import push
from slotlight.cli.review import review
from slotlight.cli.study import study_command
from slotlight.cli.track import track
from slotlight.cli.train import full_options, train_command
from slotlight.errors import CacheError, OutputError, SlotlightError, Terminated
from slotlight.paths import expand_home

DONE, FAILED, WRONG_USE, INTERRUPTED, TERMINATED = 0, 1, 2, 128 + signal.SIGINT, 128 + signal.SIGTERM

_PACKAGES = {"skimage": "scikit-image", "sklearn": "scikit-learn"}
"""Packages that are called otherwise than their module."""

_SIGNALS: dict[type, int] = {KeyboardInterrupt: signal.SIGINT, Terminated: signal.SIGTERM}


def main() -> None:
    """Run the command line."""
    try:
        _prepare()
        arguments = [_expanded(argument) for argument in sys.argv[1:]]
        if arguments[:1] in (["train"], ["study"]):
            arguments = full_options(arguments)
        commands: dict[str, Callable[..., int]] = {
            "discover": discover,
            "merge": merge,
            "groups": groups,
            "convert": convert,
            "track": track,
            "train": train_command(arguments),
            "distil": distil,
            "evaluate": evaluate,
            "calibrate": calibrate,
            "study": study_command(arguments),
            "models": models,
            "export": export,
            "push": push,
            "demo": demo,
            "review": review,
        }
        status = tyro.extras.subcommand_cli_from_dict(
            commands, prog="slotlight", description=(slotlight.__doc__ or "").splitlines()[0], args=arguments
        )
    except SlotlightError as fault:
        status = _say(str(fault), FAILED if isinstance(fault, OutputError | CacheError) else WRONG_USE)
    except ModuleNotFoundError as fault:
        package = package_with(str(fault.name), command=sys.argv[1])
        status = _say(f"this needs {fault.name}; install it with: pip install '{package}'", WRONG_USE)
    except KeyboardInterrupt:
        status = _say("stopped; the same command resumes from here.", INTERRUPTED)
    except Terminated:
        status = _say("terminated; the same command resumes from here.", TERMINATED)
    except (MemoryError, RuntimeError) as fault:
        if not _is_out_of_memory(fault):
            raise
        status = _say("there is not enough memory for this; choose a smaller --batch-size or size.", FAILED)
    except BrokenPipeError:  # whoever read the output has gone
        status = FAILED
    _flush()
    sys.exit(status)


def package_with(module: str, command: str = "") -> str:
    """What to install for a missing module: the extra of Slotlight that holds it, or else a package of its name.

    Of several extras that hold it, that of the command; all of them where none is the command's.

    Example:
        >>> package_with("sklearn.cluster"), package_with("lightning", "evaluate"), package_with("lightning", "study")
        ('slotlight[groups]', 'slotlight[evaluate]', 'slotlight[evaluate,train]')
    """
    name = module.partition(".")[0]
    package = _PACKAGES.get(name, name.replace("_", "-"))
    needs = (re.match(r"([\w.-]+).*extra == .(\w+)", line) for line in requires("slotlight") or ())
    extras = sorted({need[2] for need in needs if need and need[1] == package} - {"dev", "docs"})
    if not extras:
        return package
    return f"slotlight[{command if command in extras else ','.join(extras)}]"


def _expanded(argument: str) -> str:
    """An argument with a quoted ``~`` as the shell would have read it; a variable that was empty is refused."""
    option, equals, value = argument.partition("=") if argument.startswith("--") else ("", "", argument)
    if option and not equals:
        return argument
    if value.strip() and not value.startswith("~"):
        return argument
    return f"{option}{equals}{expand_home(value)}"


def _prepare() -> None:
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    for stream in (sys.stdout, sys.stderr):  # a name that the terminal cannot show ends nothing
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    with suppress(ValueError):  # only the main thread may; a caller with threads of its own decides itself
        signal.signal(signal.SIGTERM, _terminate)
        if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
            signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.unraisablehook = partial(_unraisable, sys.unraisablehook)


def _terminate(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    raise Terminated


def _unraisable(
    former: Callable[["sys.UnraisableHookArgs"], object], ignored: "sys.UnraisableHookArgs"
) -> None:
    """A signal that came inside a finaliser, where Python drops whatever is raised, comes again a moment later."""
    number = _SIGNALS.get(ignored.exc_type)
    if number is None:
        former(ignored)
    else:
        threading.Timer(0.05, os.kill, (os.getpid(), number)).start()


def _is_out_of_memory(fault: Exception) -> bool:
    """Python's own fault, or one of torch, which is not imported here."""
    is_torchs = type(fault).__name__ == "OutOfMemoryError" or "can't allocate memory" in str(fault)
    return isinstance(fault, MemoryError) or is_torchs


def _say(sentence: str, status: int) -> int:
    with suppress(OSError):
        print(f"slotlight: {sentence}", file=sys.stderr)
    return status


def _flush() -> None:
    """What cannot be printed any more (a full disk, a closed pipe) must not end a finished run with a traceback."""
    if sys.stdout is None:  # closed by whoever started this
        return
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
