"""An image file's bytes without its metadata, so that a fault in it does not cost the photograph.

Pillow refuses whole files for what does not touch their pixels: a colour profile or a text of more than 1 MB in a PNG,
a broken EXIF block in a TIFF. What is left out here is never needed to read the pixels.
"""

import struct
from collections.abc import Iterator

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_NEEDED = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
_JPEG_NEEDED = (0xE0, 0xEE)
"""JFIF and Adobe, which say how colours are stored."""
_TIFF_NEEDED = frozenset(
    (
        *range(254, 270),  # sizes, bits, compression, colours
        *(273, *range(277, 282), 284),  # strips, sample values, planes
        *(292, 293, 317, *range(320, 326)),  # options of compressions, palette, tiles
        *(332, 338, 339, 347),  # inks, alpha, kinds of numbers, JPEG tables
        *range(529, 533),  # YCbCr
    )
)
_TIFF_EXIF = (274, 34665)
"""Orientation, and the EXIF block."""


def without_metadata(content: bytes, *, keep_exif: bool) -> bytes | None:
    """A PNG, JPEG or TIFF without what its pixels do not need; None where nothing is left out.

    Args:
        content: The whole file.
        keep_exif: Keep the EXIF block, which says how the photograph is turned.
    """
    try:
        if content.startswith(_PNG):
            bare = b"".join(_png_parts(content, keep_exif))
        elif content.startswith(b"\xff\xd8"):
            bare = b"".join(_jpeg_parts(content, keep_exif))
        elif content[:4] in (b"II*\0", b"MM\0*"):
            bare = _bare_tiff(content, keep_exif)
        else:
            return None
    except (struct.error, IndexError):  # damaged beyond its metadata
        return None
    return bare if bare != content else None


def _png_parts(content: bytes, keep_exif: bool) -> Iterator[bytes]:
    needed = (*_PNG_NEEDED, b"eXIf") if keep_exif else _PNG_NEEDED
    yield _PNG
    place = len(_PNG)
    while place + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, place)
        if content[place + 4 : place + 8] in needed:
            yield content[place : place + 12 + length]
        place += 12 + length


def _jpeg_parts(content: bytes, keep_exif: bool) -> Iterator[bytes]:
    yield content[:2]
    place = 2
    while content[place] == 0xFF and content[place + 1] != 0xDA:  # up to the start of the scan
        marker = content[place + 1]
        (length,) = struct.unpack_from(">H", content, place + 2)
        is_metadata = marker == 0xFE or (0xE0 <= marker <= 0xEF and marker not in _JPEG_NEEDED)
        is_exif = marker == 0xE1 and content[place + 4 : place + 8] == b"Exif"
        if not is_metadata or (is_exif and keep_exif):
            yield content[place : place + 2 + length]
        place += 2 + length
    yield content[place:]


def _bare_tiff(content: bytes, keep_exif: bool) -> bytes:
    """The first image's directory, shortened in its place."""
    order = "<" if content[:2] == b"II" else ">"
    (start,) = struct.unpack_from(f"{order}I", content, 4)
    (count,) = struct.unpack_from(f"{order}H", content, start)
    entries = [content[start + 2 + 12 * i : start + 14 + 12 * i] for i in range(count)]
    needed = {*_TIFF_NEEDED, *_TIFF_EXIF} if keep_exif else _TIFF_NEEDED
    kept = [entry for entry in entries if struct.unpack_from(f"{order}H", entry)[0] in needed]
    directory = struct.pack(f"{order}H", len(kept)) + b"".join(kept) + bytes(4)  # no image follows
    if len(kept) == len(entries):
        return content
    return content[:start] + directory + content[start + len(directory) :]
