"""``names.csv``: the names of groups, in a file that a person edits in any editor or spreadsheet."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from slotlight.errors import ConfigError
from slotlight.files import csv_line

COLUMNS = ("group", "objects", "name")
_MOST_BYTES = 10_000_000


def default_name(group: int) -> str:
    """What a group is called until somebody names it."""
    return f"group {group}"


def names_csv(sizes: Sequence[int], names: Mapping[int, str]) -> str:
    """The file's content: number, size and name of each group, the first group being 1.

    Example:
        >>> print(names_csv([40, 7], {1: "cat", 2: "group 2"}), end="")
        group,objects,name
        1,40,cat
        2,7,group 2
    """
    rows = ((group, size, names[group]) for group, size in enumerate(sizes, start=1))
    return "".join(map(csv_line, [COLUMNS, *rows]))


def read_names(path: Path, count: int) -> dict[int, str]:
    """The name of each group, 1 to ``count``, as the file has them now; without a file, the default ones.

    Columns may be separated by commas, semicolons or tabs, as spreadsheets save them; only ``group`` and ``name`` are
    looked at. An empty name leaves the group out; groups of one name are one.

    Raises:
        ConfigError: It cannot be read, or does not name each group once.
    """
    if not path.is_file():
        return {group: default_name(group) for group in range(1, count + 1)}
    rows = _rows(path)
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    if "group" not in header or "name" not in header:
        raise ConfigError(
            f"{path} lacks the columns group and name in its first line; put them back, or delete the file."
        )
    number, name = header.index("group"), header.index("name")
    names: dict[int, str] = {}
    for line, row in enumerate(rows[1:], start=2):
        cells = [cell.strip() for cell in row] + [""] * len(header)
        if not any(cells):
            continue
        if not cells[number].isdecimal() or not 1 <= int(cells[number]) <= count:
            raise ConfigError(
                f"{path}, line {line}, names the group {cells[number]!r}; valid: 1 to {count}, each once."
            )
        if int(cells[number]) in names:
            raise ConfigError(f"{path}, line {line}, names group {cells[number]} again; give it one line.")
        if not cells[name].isprintable():
            raise ConfigError(f"{path}, line {line}, has the name {cells[name]!r}; put it on one line.")
        names[int(cells[number])] = cells[name]
    if missing := [group for group in range(1, count + 1) if group not in names]:
        raise ConfigError(
            f"{path} has no line for group {missing[0]}; add it (with an empty name to leave the group out)."
        )
    if not any(names.values()):
        raise ConfigError(f"{path} gives no group a name; name at least one.")
    return names


def _rows(path: Path) -> list[list[str]]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ConfigError(f"{path} is larger than a list of names can be; delete it to get a new one.")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as fault:
        raise ConfigError(f"{path} cannot be read ({fault}); save it as CSV in UTF-8.") from None
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    try:
        return list(csv.reader(io.StringIO(text), delimiter=separator, strict=True))
    except csv.Error as fault:
        raise ConfigError(f"{path} cannot be read ({fault}); save it as CSV in UTF-8.") from None
