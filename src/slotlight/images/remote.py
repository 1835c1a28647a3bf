"""Files behind URLs, read through fsspec: ``https://``, ``s3://``, ``gs://`` and whatever else is installed for it.

A fault that may pass (no connection, no answer in time, statuses 408, 425, 429 and 5xx) is tried again after a while,
`TRIES` times in all; any other is said at once. Credentials and endpoints are those of the store's own tools, such as
``AWS_PROFILE`` and ``AWS_ENDPOINT_URL``; fsspec's variables, such as ``FSSPEC_S3_ANON=true``, hold too.
"""

import asyncio
import hashlib
import random
import re
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from slotlight.errors import ImageError, SlotlightError
from slotlight.version import __version__

Result = TypeVar("Result")

TRIES = 4
"""How often a photograph is asked for before it counts as failed."""

SECONDS = 60.0
"""How long each try may take."""

FIRST_WAIT = 0.5
"""Seconds between the first try and the second; they double from there."""

MOST_BYTES = 500_000_000
"""A file that answers with more is not a photograph."""

REMEDY = "pip install 'slotlight[remote]'"
_HEADER_BLOCK = 1 << 16
_PASSING = (408, 425, 429)
_CONNECTION_FAULTS = {
    ("aiohttp", "ClientError"),
    ("botocore", "ConnectionError"),
    ("botocore", "HTTPClientError"),
}


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file behind a URL.

    Attributes:
        url: The URL.
        version: Its size and a number that its content decides, as a listing told them.
    """

    url: str
    version: tuple[int, ...] = ()


class Stop:
    """Ends the asking of threads that it was given to (`obey`), so that nobody waits for a server to leave."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self.asked: set[Future[bytes]] = set()

    def now(self) -> None:
        """End it."""
        self.event.set()
        for future in list(self.asked):
            future.cancel()


_THREAD = threading.local()


def obey(stop: Stop) -> None:
    """Let this thread's asking end when ``stop`` says so."""
    _THREAD.stop = stop


def _stop() -> Stop:
    """What this thread obeys."""
    stop: Stop = _THREAD.__dict__.setdefault("stop", Stop())
    return stop


def is_url(text: str) -> bool:
    """Whether a text is a URL rather than a path.

    Example:
        >>> is_url("s3://bucket/a.jpg"), is_url("C:/a.jpg")
        (True, False)
    """
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", text) is not None


def is_web(url: str) -> bool:
    """Whether a URL is of a web server, which has no listing."""
    return url.lower().startswith(("http://", "https://"))


def read_remote(url: str, start: int | None = None, end: int | None = None) -> bytes:
    """The bytes of a file, or those from ``start`` to ``end``.

    Raises:
        ImageError: They cannot be had; why, and after how many tries.
        SlotlightError: The packages that read such URLs are missing.
    """
    system, path = file_system(url)
    return patiently(url, lambda: _read_once(system, path, start, end))


def list_remote(url: str) -> list[RemoteFile]:
    """The files below a prefix, or that a pattern matches, with their versions, sorted.

    Raises:
        ImageError: The store cannot be listed.
        SlotlightError: The packages that read such URLs are missing.
    """
    system, path = file_system(url)
    search = system.glob if any(sign in path for sign in "*?[") else system.find
    listed: dict[str, dict[str, Any]] = patiently(url, lambda: search(path, detail=True))
    scheme = url.split("://")[0]
    files = {name: info for name, info in listed.items() if info.get("type") == "file"}
    return [RemoteFile(f"{scheme}://{name.lstrip('/')}", _version(files[name])) for name in sorted(files)]


def look_up(url: str) -> RemoteFile:
    """One file with its version.

    Raises:
        ImageError: It cannot be looked up.
        SlotlightError: The packages that read such URLs are missing.
    """
    system, path = file_system(url)
    return RemoteFile(url, _version(patiently(url, lambda: system.info(path))))


def open_remote(url: str) -> Any:
    """A file that can be read in any order, in small requests; faults are the caller's (`patiently`)."""
    system, path = file_system(url)
    return system.open(path, "rb", block_size=_HEADER_BLOCK, cache_type="readahead")


def patiently(name: str, attempt: Callable[[], Result]) -> Result:
    """Do something that may fail for a while, `TRIES` times.

    Raises:
        ImageError: It failed for good; it names the file.
    """
    for number in range(TRIES):
        try:
            return attempt()
        except SlotlightError:
            raise
        except Exception as error:  # each store's library has its own
            if not _may_pass(error):
                raise ImageError(f"{name} {_fault(error)}.") from None
            fault = error
        if number + 1 < TRIES:
            _stop().event.wait(FIRST_WAIT * 2**number * random.uniform(0.5, 1))
    raise ImageError(f"{name} {_fault(fault)}; it was tried {TRIES} times.")


def file_system(url: str) -> tuple[Any, str]:
    """What reads a URL, and the URL as that calls it.

    Raises:
        SlotlightError: The packages that read such URLs are missing, or nothing reads them.
    """
    scheme = url.split("://")[0]
    try:
        from fsspec.core import url_to_fs

        system, path = url_to_fs(url, **_settings(is_web(url)))
    except ImportError:
        remedy = "pip install gcsfs" if scheme in ("gs", "gcs") else REMEDY
        raise SlotlightError(f"{url} needs a package that is not installed; run {remedy}.") from None
    except ValueError as error:
        raise SlotlightError(f"{url} cannot be read: {' '.join(str(error).split()).rstrip('.')}.") from None
    if hasattr(system, "retries"):  # there is a loop of ours
        system.retries = 1
    return system, path


@cache
def _settings(web: bool) -> dict[str, Any]:
    if not web:
        return {"use_listings_cache": False}
    return {"client_kwargs": {"trust_env": True, "headers": {"User-Agent": f"slotlight/{__version__}"}}}


def _read_once(system: Any, path: str, start: int | None, end: int | None) -> bytes:
    if not system.async_impl:
        content: bytes = system.cat_file(path, start=start, end=end)
        return content
    download = _from_web if "http" in system.protocol else _from_store
    future = asyncio.run_coroutine_threadsafe(
        asyncio.wait_for(download(system, path, start, end), SECONDS), system.loop
    )
    stop = _stop()
    stop.asked.add(future)
    try:
        if stop.event.is_set():
            future.cancel()
        return future.result()
    finally:
        stop.asked.discard(future)
        future.cancel()  # where a signal ended the waiting


async def _from_store(system: Any, path: str, start: int | None, end: int | None) -> bytes:
    content: bytes = await system._cat_file(path, start=start, end=end)
    return content


async def _from_web(system: Any, url: str, start: int | None, end: int | None) -> bytes:
    """A web server's answer; fsspec's own reader takes any length, and a whole file for a part of it."""
    session = await system.set_session()
    headers = {} if end is None else {"Range": f"bytes={start}-{end - 1}"}
    async with session.get(system.encode_url(url), headers=headers) as answer:
        system._raise_not_found_for_status(answer, url)
        if end is not None and answer.status != 206:
            raise ImageError(
                f"The server of {url} does not support range requests; download it, and name the local file."
            )
        content = bytearray()
        async for piece in answer.content.iter_chunked(1 << 18):
            content += piece
            if len(content) > MOST_BYTES:
                raise ImageError(f"{url} has more than {MOST_BYTES:,} bytes; name photographs.")
    return bytes(content)


def _version(info: dict[str, Any]) -> tuple[int, ...]:
    names = ("ETag", "etag", "md5Hash", "LastModified", "updated", "mtime")
    told = next((str(info[name]) for name in names if info.get(name)), "")
    number = int.from_bytes(hashlib.sha256(told.encode()).digest()[:6], "big") if told else 0
    return (int(info.get("size") or 0), number)


def _status(error: Exception) -> int | None:
    """The HTTP status in a fault, where it has one."""
    status = getattr(error, "status", getattr(error, "code", None))
    return int(status) if isinstance(status, int | str) and str(status).isdigit() else None


def _may_pass(error: Exception) -> bool:
    status = _status(error)
    if status:
        return status in _PASSING or status >= 500
    if isinstance(error, FileNotFoundError | PermissionError | IsADirectoryError | ValueError):
        return False
    if isinstance(error, OSError | TimeoutError | EOFError):
        return True
    kinds = {(kind.__module__.partition(".")[0], kind.__name__) for kind in type(error).__mro__}
    return bool(kinds & _CONNECTION_FAULTS)


def _fault(error: Exception) -> str:
    status = _status(error)
    if isinstance(error, FileNotFoundError):
        return "does not exist"
    if isinstance(error, PermissionError) or status in (401, 403):
        return "may not be read: access is forbidden; check your credentials"
    if isinstance(error, TimeoutError):
        return f"did not arrive within {SECONDS:g} seconds"
    cause = f"HTTP status {status}" if status else " ".join(str(error).split())[:200].rstrip(".")
    return f"cannot be read: {cause or type(error).__name__}"
