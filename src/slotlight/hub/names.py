"""``user/name`` and ``user/name@revision``: a model folder on the hub."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

_NAME = re.compile(r"(?P<repo>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?:@(?P<revision>[\w./-]+))?")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class HubName:
    """A repository of the hub, and which state of it.

    Attributes:
        repo: ``user/name``.
        revision: A commit, tag or branch; None is the newest commit.
    """

    repo: str
    revision: str | None = None

    def __str__(self) -> str:
        return self.repo if self.revision is None else f"{self.repo}@{self.revision}"

    @property
    def is_pinned(self) -> bool:
        """Whether it names one commit, whose files never change."""
        return self.revision is not None and _COMMIT.fullmatch(self.revision) is not None


def hub_name(text: str) -> HubName | None:
    """What a text names on the hub; None where it names nothing there, or something on this machine.

    Example:
        >>> hub_name("user/owls@v1"), hub_name("runs/mine/deeper"), hub_name("embedded")
        (HubName(repo='user/owls', revision='v1'), None, None)
    """
    found = _NAME.fullmatch(text)
    if found is None or Path(text).exists():
        return None
    return HubName(found["repo"], found["revision"])


def endpoint() -> str | None:
    """Another hub than Hugging Face's, as its own client reads it."""
    return os.environ.get("HF_ENDPOINT")


def cause(fault: BaseException) -> str:
    """What a fault of the hub's client says, short enough for a sentence."""
    lines = [line.strip() for line in str(fault).splitlines() if line.strip()]
    return (lines[0] if lines else type(fault).__name__)[:160].rstrip(".")
