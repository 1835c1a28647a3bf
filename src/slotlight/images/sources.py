"""What a user names → photographs where they lie: files, folders and globs; stores, lists, archives and tables.

A source gives `Located` photographs: an identity, and a place that knows its stamp and how to read its bytes. A name's
form decides which kind of source it is: a URL's scheme, the ending of a file.
"""

import glob
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from slotlight.errors import ImageError
from slotlight.images.archives import ARCHIVES, COMPRESSED, in_archive
from slotlight.images.finding import Survey, is_photograph_name, survey_photographs
from slotlight.images.places import LocalFile, Located, RemoteObject
from slotlight.images.remote import RemoteFile, is_url, is_web, list_remote
from slotlight.images.tables import in_list, in_manifest, in_parquet
from slotlight.paths import expand_home

_HOLDERS: dict[str, Callable[[str], Iterable[Located]]] = {
    **dict.fromkeys(ARCHIVES, in_archive),
    ".csv": in_manifest,
    ".parquet": in_parquet,
    ".txt": in_list,
}
"""Files that hold or name photographs, by the ending of their name."""


def survey_sources(names: Sequence[str | Path]) -> Survey[Located]:
    """The photographs that files, folders, globs, URLs, lists, archives and tables lead to.

    A file, a row or an object that two names lead to is one photograph.

    Raises:
        ImageError: A name that leads to nothing, or two photographs with one id.
        SlotlightError: A package that a source needs is missing.
    """
    found: dict[str, Located] = {}
    left_out: list[str] = []
    for name in names:
        photographs, said = _lead_to(str(name))
        left_out += said
        photograph = None
        for photograph in photographs:
            former = found.setdefault(_key(photograph), photograph)
            if former.place != photograph.place and photograph.own:
                raise ImageError(
                    f"Two photographs have the id {photograph.file} ({former.shown} and {photograph.shown}); "
                    "give each its own."
                )
        if photograph is None:
            raise ImageError(f"{name} contains no photographs; check its content.")
    _check_distinct(found.values())
    return Survey(list(found.values()), list(dict.fromkeys(left_out)))


def _lead_to(name: str) -> tuple[Iterable[Located], list[str]]:
    if name.startswith("file://"):  # a local path, which is then held against what Slotlight wrote
        name = url2pathname(urlsplit(name).path)
    if is_url(name):
        return _behind_url(name), []
    path = expand_home(name)
    files = [str(path)]
    if glob.has_magic(str(path)) and not os.path.lexists(path):
        files = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207
    held = [file for file in files if _ending(file) and os.path.isfile(file)]  # noqa: PTH113
    if held and _ending(str(path)):
        return _held(held), []
    survey = survey_photographs([path])
    return map(Located.at, survey.photographs), survey.left_out


def _behind_url(url: str) -> Iterable[Located]:
    if is_web(url):
        held = _ending(url.partition("?")[0])
        return _held([url]) if held else [Located(url, RemoteObject(RemoteFile(url)))]
    if _ending(url) and not glob.has_magic(url):
        return _held([url])
    files = list_remote(url)
    if _ending(url):
        return _held([file.url for file in files])
    found = [Located(file.url, RemoteObject(file)) for file in files if is_photograph_name(file.url)]
    if (
        not found and is_photograph_name(url) and not glob.has_magic(url)
    ):  # reading it will say why, in its turn
        return [Located(url, RemoteObject(RemoteFile(url)))]
    if not found:
        raise ImageError(f"{url} holds no photograph; check its name, and the endings of what it holds.")
    return found


def _held(files: Iterable[str]) -> Iterable[Located]:
    for file in files:
        holder = _HOLDERS.get(_ending(file))
        if holder is None:
            raise ImageError(f"{file} is compressed; unpack it, or make it a plain tar.")
        yield from holder(file)


def _ending(file: str) -> str:
    """What makes a file a holder of photographs; empty where it is none."""
    lower = file.lower()
    return next((end for end in (*_HOLDERS, *COMPRESSED) if lower.endswith(end)), "")


def _key(photograph: Located) -> str:
    """Equal for two names of one photograph."""
    if photograph.own:
        return f"id {photograph.file}"
    place = photograph.place
    return os.path.realpath(place.path) if isinstance(place, LocalFile) else photograph.file


def _check_distinct(photographs: Iterable[Located]) -> None:
    """Refuse an id that is another photograph's path."""
    seen: set[str] = set()
    for photograph in photographs:
        if photograph.file in seen:
            raise ImageError(f"{photograph.file} is both a photograph's id and another's path; rename one.")
        seen.add(photograph.file)
