import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from odd_files import picture, with_chunk
from slotlight.images import read_photograph


class TestMetadata:
    """A fault in what the pixels do not need does not cost the photograph."""

    def test_a_large_colour_profile(self, png: Path) -> None:
        with_chunk(png, b"iCCP", b"p\0\0" + zlib.compress(bytes(2_000_000)))
        np.testing.assert_array_equal(read_photograph(png), picture())

    @pytest.mark.parametrize("kind", [b"zTXt", b"iTXt"])
    def test_long_texts(self, png: Path, kind: bytes) -> None:
        body = b"key\0" + {b"zTXt": b"\0", b"iTXt": b"\1\0\0\0"}[kind] + zlib.compress(bytes(2_000_000))
        np.testing.assert_array_equal(read_photograph(with_chunk(png, kind, body)), picture())

    def test_a_fault_beside_a_turn(self, tmp_path: Path) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6
        path = tmp_path / "turned.png"
        Image.fromarray(picture()).save(path, exif=exif)
        with_chunk(path, b"iCCP", b"p\0\0" + zlib.compress(bytes(2_000_000)))
        np.testing.assert_array_equal(read_photograph(path), np.rot90(picture(), -1))

    @pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif", ".avif"])
    @pytest.mark.parametrize(
        "exif", [b"Exif\0\0nonsense", b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + bytes(range(90))]
    )
    def test_damaged_exif(self, tmp_path: Path, suffix: str, exif: bytes) -> None:
        path = tmp_path / f"odd{suffix}"
        if suffix == ".tif":
            Image.fromarray(picture()).save(path, tiffinfo={34665: 4_000_000_000})
        else:
            try:
                Image.fromarray(picture()).save(path, exif=exif)
            except (SyntaxError, ValueError):
                pytest.skip("Pillow does not write such a file")
        assert read_photograph(path).shape == (6, 9, 3)

    @pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
    def test_rationals_without_a_denominator(self, tmp_path: Path, suffix: str) -> None:
        entries = struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0) + struct.pack("<HHII", 282, 5, 1, 38)
        exif = b"Exif\0\0II*\0\x08\0\0\0\x02\0" + entries + bytes(4) + struct.pack("<II", 1, 0)
        path = tmp_path / f"odd{suffix}"
        if suffix == ".tif":
            Image.fromarray(picture()).save(path, tiffinfo={0x0112: 6, 33434: IFDRational(1, 0)})
        else:
            Image.fromarray(picture()).save(path, exif=exif)
        assert read_photograph(path).shape == (9, 6, 3)

    def test_nothing_is_warned_of_in_the_terminal(self, tmp_path: Path) -> None:
        path = tmp_path / "odd.jpg"
        Image.fromarray(picture()).save(path, exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + bytes(range(90)))
        code = "import sys; from slotlight.images import read_photograph; read_photograph(sys.argv[1])"
        done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
        assert done.stderr == ""
