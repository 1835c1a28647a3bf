"""A photograph's file → an open PIL image, within bounds; its size. Every fault is an `ImageError` that names the file.

Unusual: Pillow's decoders raise almost any class of exception on damaged files, so all of them are caught here, where
nothing but Pillow runs. Only the formats named here are tried: Pillow would hand others to programs such as
Ghostscript.
"""

import errno
import stat
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TypeVar

from PIL import Image, UnidentifiedImageError

from slotlight.errors import ImageError
from slotlight.images.metadata import without_metadata
from slotlight.images.orientation import UPRIGHT, orientation_of, swaps_sides

Result = TypeVar("Result")

_FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_STARTS = {
    "JPEG": (b"\xff\xd8\xff",),
    "PNG": (b"\x89PNG",),
    "TIFF": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
}
HEIC_REMEDY = "run pip install 'slotlight[heic]'"

# What Pillow warns of (odd metadata, many pixels) is either harmless or refused here in a sentence.
warnings.filterwarnings("ignore", module=r"PIL\.")

# Memory in blocks beyond 32 MB goes back to the system at once; glibc keeps smaller ones, for every thread anew.
Image.core.set_block_size(64 << 20)  # type: ignore[attr-defined]


class PixelBudget:
    """At most so many pixels at once, over all threads; a photograph that is larger alone has its turn alone.

    Args:
        pixels: The most that are out at any time.

    Example:
        >>> budget = PixelBudget(1_000_000)
        >>> with budget.take(640 * 480):
        ...     budget.free
        692800
    """

    def __init__(self, pixels: int) -> None:
        self.pixels = self.free = pixels
        self._turn = threading.Lock()  # first come, first served: many small ones never starve a large one
        self._returned = threading.Condition()

    @contextmanager
    def take(self, pixels: int) -> Iterator[None]:
        """Wait until so many pixels are free, and hold them for the length of a ``with``."""
        share = min(pixels, self.pixels)
        with self._turn, self._returned:
            self._returned.wait_for(lambda: self.free >= share)
            self.free -= share
        try:
            yield
        finally:
            with self._returned:
                self.free += share
                self._returned.notify_all()


DECODING = PixelBudget(100_000_000)
"""What is decoded at once by all threads: about 7 bytes a pixel while it is."""


@dataclass
class _Limit:
    pixels: int


_LIMIT = _Limit(178_956_970)  # where Pillow draws the line, too


def set_max_pixels(pixels: int) -> None:
    """Set the most pixels that a photograph may have, for this process.

    Raises:
        ImageError: It is not at least 1.
    """
    if pixels < 1:
        raise ImageError(f"The pixel limit is {pixels}; it must be at least 1.")
    _LIMIT.pixels = pixels
    # Pillow refuses what has twice as many as its own limit.
    Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS or 0, (pixels + 1) // 2)


def max_pixels() -> int:
    """The most pixels that a photograph may have."""
    return _LIMIT.pixels


@dataclass(frozen=True)
class PhotographSize:
    """The size of a photograph as it is stored and as it is seen.

    Attributes:
        stored: (height, width) of the stored pixels.
        orientation: EXIF's, 1 to 8.
    """

    stored: tuple[int, int]
    orientation: int = UPRIGHT

    @property
    def upright(self) -> tuple[int, int]:
        """(height, width) as it is seen: what `slotlight.images.read_photograph` gives."""
        height, width = self.stored
        return (width, height) if swaps_sides(self.orientation) else (height, width)


@dataclass(frozen=True, slots=True)
class Encoded:
    """A photograph's file in memory.

    Attributes:
        name: What faults call it.
        content: The file's bytes.
    """

    name: str
    content: bytes


def read_size(file: str | Path | Encoded) -> PhotographSize:
    """The size of a photograph, from its header alone.

    Raises:
        ImageError: It is missing, damaged, too large or not an image.
    """
    return despite_metadata(Path(file) if isinstance(file, str) else file, _size)


def _size(file: Path | Encoded) -> PhotographSize:
    with opened(file) as image:
        width, height = image.size
        orientation = orientation_of(image)
        if image.format == "TIFF" and swaps_sides(orientation):  # Pillow gives the upright size of these
            width, height = height, width
        return PhotographSize((height, width), orientation)


def despite_metadata(file: Path | Encoded, read: Callable[[Path | Encoded], Result]) -> Result:
    """What is read of a file; where that fails, of its copy without the metadata that its pixels do not need.

    Raises:
        ImageError: Neither can be read.
    """
    try:
        return read(file)
    except ImageError as error:
        fault = error
    for keep_exif in (True, False):
        try:
            content = _content(file)
            bare = without_metadata(content, keep_exif=keep_exif) if content else None
            if bare is not None:
                return read(Encoded(file.name if isinstance(file, Encoded) else str(file), bare))
        except (ImageError, OSError, ValueError, MemoryError):
            continue
    raise fault


def _content(file: Path | Encoded) -> bytes:
    """A file's bytes; none where it is not a file."""
    if isinstance(file, Encoded):
        return file.content
    return file.read_bytes() if file.is_file() else b""


@contextmanager
def opened(file: Path | Encoded) -> Iterator[Image.Image]:
    """Open a photograph; whatever goes wrong with it until the end of the ``with`` is an `ImageError`."""
    with named_faults(file.name if isinstance(file, Encoded) else str(file), file):
        if isinstance(file, Path):
            _require_file(file)
        with Image.open(
            file if isinstance(file, Path) else BytesIO(file.content), formats=_formats()
        ) as image:
            if image.width * image.height > _LIMIT.pixels:
                raise Image.DecompressionBombError
            yield image


@contextmanager
def named_faults(name: str, file: Path | Encoded | None = None) -> Iterator[None]:
    """Turn whatever Pillow raises into an `ImageError` that names the photograph."""
    try:
        yield
    except ImageError:
        raise
    except Exception as error:
        raise ImageError(f"{name} {_fault(error, file)}") from None


def _fault(error: Exception, file: Path | Encoded | None) -> str:
    if isinstance(error, UnidentifiedImageError):
        return _unidentified(file)
    if isinstance(error, Image.DecompressionBombError):
        return f"has more than {_LIMIT.pixels:,} pixels; make it smaller, or raise the limit of pixels."
    if isinstance(error, MemoryError):
        return "needs more memory than there is; make it smaller."
    if isinstance(error, OSError) and error.errno in errno.errorcode:  # missing, a folder, not permitted
        return f"cannot be read: {error.strerror or error}."
    cause = " ".join(str(error).split())[:200].rstrip(".")
    return f"is damaged or not supported{cause and f': {cause}'}."


def _unidentified(file: Path | Encoded | None) -> str:
    start = b""
    with suppress(OSError):
        start = b"" if file is None else _first_bytes(file)
    if start[4:8] == b"ftyp" and start[8:12] in _HEIC_BRANDS and not reads_heic():
        return f"is a HEIC photograph; to read it, {HEIC_REMEDY}."
    if start.startswith((b"%!PS", b"%PDF", b"\xc5\xd0\xd3\xc6")):
        return "is a PostScript or PDF document, not an image; export it as JPEG or PNG."
    if kind := next((kind for kind, first in _STARTS.items() if start.startswith(first)), None):
        return (
            f"is a {kind} of a kind that is not supported, or its header is damaged; save it as an 8-bit PNG."
        )
    return f"is not an image, or its header is damaged; Slotlight reads {', '.join(_formats())}."


def _first_bytes(file: Path | Encoded) -> bytes:
    if isinstance(file, Encoded):
        return file.content[:16]
    with file.open("rb") as content:
        return content.read(16)


def _require_file(path: Path) -> None:
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, "Is a directory")
    if not stat.S_ISREG(status.st_mode):  # a pipe or a device might never end
        raise ImageError(f"{path} is not a regular file; save the photograph to one.")
    if status.st_size == 0:
        raise ImageError(f"{path} is empty (0 bytes); copy it again from its source.")


@cache
def reads_heic() -> bool:
    """Whether HEIC photographs can be read: whether the extra ``heic`` is installed."""
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        return False
    register_heif_opener()
    return True


@cache
def _formats() -> tuple[str, ...]:
    Image.init()
    wanted = (*_FORMATS, "HEIF") if reads_heic() else _FORMATS
    return tuple(name for name in wanted if name in Image.OPEN)
