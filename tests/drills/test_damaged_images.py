"""Damaged photographs of every format: each is read or refused in a sentence that names it."""

import random
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from damage import Drill, mutated
from slotlight.images import read_photograph
from slotlight.images.files import max_pixels, read_size, reads_heic, set_max_pixels

pytestmark = pytest.mark.slow

EACH = 350
HEIC = Path(__file__).parents[2] / "../shared/cases/iphone/IMG_0001.HEIC"


@pytest.fixture(autouse=True)
def _few_pixels() -> Iterator[None]:
    """Damaged headers ask for large pictures: refuse them early, for the drill's sake."""
    former = max_pixels()
    set_max_pixels(20_000_000)
    yield
    set_max_pixels(former)


def written(image: Image.Image, kind: str, **options: object) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def seeds() -> dict[str, bytes]:
    noise = np.random.default_rng(0).integers(0, 256, (40, 56, 3), dtype=np.uint8)
    rgb = Image.fromarray(noise).resize((56, 40), Image.Resampling.BICUBIC)
    deep = Image.fromarray(noise[..., 0].astype(np.uint16) * 16)
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[282] = 6, "a camera", 72.0
    exif.get_ifd(0x8769)[33434] = 0.01
    metadata = {"exif": exif.tobytes(), "icc_profile": bytes(range(256)) * 4}
    found = {
        "jpeg": written(rgb, "JPEG", **metadata),
        "progressive jpeg": written(rgb, "JPEG", progressive=True),
        "cmyk jpeg": written(rgb.convert("CMYK"), "JPEG"),
        "mpo": written(rgb, "MPO", save_all=True, append_images=[rgb], **metadata),
        "png": written(rgb, "PNG", **metadata),
        "palette png": written(rgb.quantize(16), "PNG", transparency=3),
        "16-bit png": written(deep, "PNG"),
        "rgba png": written(rgb.convert("RGBA"), "PNG"),
        "apng": written(rgb, "PNG", save_all=True, append_images=[rgb]),
        "gif": written(rgb, "GIF", save_all=True, append_images=[rgb.transpose(Image.Transpose.ROTATE_180)]),
        "bmp": written(rgb, "BMP"),
        "ppm": written(rgb, "PPM"),
        "plain pgm": b"P2\n4 3\n15\n" + b" ".join(str(i).encode() for i in range(12)),
        "16-bit pgm": written(deep, "PPM"),
        "webp": written(rgb, "WEBP", **metadata),
        "lossless webp": written(rgb.convert("RGBA"), "WEBP", lossless=True),
        "avif": written(rgb, "AVIF", **metadata),
    }
    for compression in ("raw", "tiff_lzw", "tiff_deflate", "packbits", "jpeg"):
        found[f"{compression} tiff"] = written(rgb, "TIFF", compression=compression, exif=exif)
    found["16-bit tiff"] = written(deep, "TIFF")
    if reads_heic() and HEIC.is_file():
        found["heic"] = HEIC.read_bytes()
    return found


@pytest.mark.timeout(1800)
def test_images(tmp_path: Path, drill: Drill, rng: random.Random) -> None:
    whole = seeds()
    for kind, content in whole.items():
        path = tmp_path / f"{kind}.jpg"
        path.write_bytes(content)
        assert read_photograph(path).ndim == 3, kind
        for _ in range(EACH):
            path.write_bytes(mutated(content, rng.choice(list(whole.values())), rng))
            drill.attempt(lambda path=path: read_photograph(path, min_side=16), kind, path)
    drill.check(5000)


@pytest.mark.timeout(600)
def test_sizes_of_images(tmp_path: Path, drill: Drill, rng: random.Random) -> None:
    whole = seeds()
    for kind, content in whole.items():
        path = tmp_path / "x.jpg"
        for _ in range(50):
            path.write_bytes(mutated(content, rng.choice(list(whole.values())), rng))
            drill.attempt(lambda path=path: read_size(path), kind, path)
    drill.check(1000)
