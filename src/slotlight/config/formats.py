"""Which formats the results are written in, and what they call the photographs."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from slotlight.errors import ConfigError, UnknownNameError

FORMAT_NAMES = (
    *("coco", "coco-polygons", "yolo", "voc", "label-studio"),
    *("csv", "parquet", "parquet-blocks", "cutouts"),
)


@dataclass(frozen=True, kw_only=True)
class FormatConfig:
    """Formats of the results.

    Attributes:
        format: One or several of coco, coco-polygons, yolo, voc, label-studio, csv, parquet, parquet-blocks,
            cutouts.
        root: Photographs are named by their path below this folder, instead of the path as given.
        absolute: Photographs are named by their absolute path.
        uncertain_first: Also write uncertain-first.csv: the photographs, the least certain first.

    Raises:
        ConfigError: Both ``root`` and ``absolute`` are asked for.
        UnknownNameError: There is no such format.
    """

    format: tuple[str, ...] = ("coco",)
    root: Path | None = None
    absolute: bool = False
    uncertain_first: bool = False

    def __post_init__(self) -> None:
        for name in self.format:
            if name not in FORMAT_NAMES:
                raise UnknownNameError("format", name, FORMAT_NAMES)
        if self.root is not None and self.absolute:
            raise ConfigError("--root and --absolute contradict each other; use only one of them.")
        # An order, and each once, so that equal choices are equal runs.
        object.__setattr__(self, "format", tuple(name for name in FORMAT_NAMES if name in self.format))
        if self.root is not None:
            object.__setattr__(self, "root", Path(os.path.abspath(self.root)))  # noqa: PTH100

    def file_name(self, file: str) -> str:
        """What the formats call a photograph; a URL stays as it is.

        Raises:
            ConfigError: It does not lie below ``root``.

        Example:
            >>> FormatConfig(root=Path("trip")).file_name("trip/sub/a.jpg")
            'sub/a.jpg'
        """
        if (self.root is None and not self.absolute) or "://" in file:
            return file
        full = PurePath(os.path.abspath(file))  # noqa: PTH100
        if self.root is None:
            return str(full)
        if not full.is_relative_to(self.root):
            raise ConfigError(
                f"{file} does not lie below {self.root}; choose a --root that holds all photographs."
            )
        return full.relative_to(self.root).as_posix()

    def identity(self) -> dict[str, Any]:
        """The choices that are not the default, as plain values."""
        values = {
            "format": " ".join(self.format),
            "root": None if self.root is None else str(self.root),
            "absolute": self.absolute,
            "uncertain_first": self.uncertain_first,
        }
        plain = {"format": "coco", "root": None, "absolute": False, "uncertain_first": False}
        return {name: value for name, value in values.items() if value != plain[name]}

    @classmethod
    def of_identity(cls, identity: Mapping[str, Any]) -> "FormatConfig":
        """The choices of the run that has an identity.

        Example:
            >>> choices = FormatConfig(format=("yolo", "csv"))
            >>> FormatConfig.of_identity(choices.identity()) == choices
            True
        """
        root = identity.get("root")
        return cls(
            format=tuple(str(identity.get("format", "coco")).split()),
            root=None if root is None else Path(root),
            absolute=bool(identity.get("absolute", False)),
            uncertain_first=bool(identity.get("uncertain_first", False)),
        )


FORMAT_KEYS = ("format", "root", "absolute", "uncertain_first")
"""What `FormatConfig.identity` may hold."""
