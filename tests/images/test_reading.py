import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from odd_files import picture
from slotlight.errors import ImageError
from slotlight.images.reading import fit_size, read_photograph
from slotlight.images.resizing import resize


def save(image: Image.Image, path: Path, **options: object) -> Path:
    image.save(path, **options)
    return path


@pytest.fixture
def jpeg(tmp_path: Path) -> Path:
    smooth = np.add.outer(np.arange(600), np.arange(900)) * 255 // 1500
    return save(Image.fromarray(smooth.astype(np.uint8)).convert("RGB"), tmp_path / "smooth.jpg", quality=95)


class TestFormats:
    def test_rgb_is_exact(self, tmp_path: Path) -> None:
        path = save(Image.fromarray(picture()), tmp_path / "rgb.png")
        np.testing.assert_array_equal(read_photograph(path), picture())
        np.testing.assert_array_equal(read_photograph(str(path)), picture())

    @pytest.mark.parametrize(
        ("suffix", "modes"),
        [
            (".png", ["L", "P", "LA", "RGBA", "I;16"]),
            (".tif", ["L", "P", "CMYK", "YCbCr", "LA", "RGBA", "I;16"]),
            (".jpg", ["L", "CMYK", "YCbCr"]),
            (".gif", ["L", "P", "RGBA"]),
            (".webp", ["L", "P", "RGBA"]),
            (".pgm", ["L", "I;16"]),
        ],
    )
    def test_every_mode_becomes_rgb(self, tmp_path: Path, suffix: str, modes: list[str]) -> None:
        flat = Image.new("RGB", (9, 6), (200, 200, 200))
        for mode in modes:
            if mode == "I;16":
                image = Image.fromarray(np.full((6, 9), 200 * 257, np.uint16))
            else:
                image = flat.quantize() if mode == "P" else flat.convert(mode)
            read = read_photograph(save(image, tmp_path / f"x{suffix}"))
            assert read.shape == (6, 9, 3)
            assert np.abs(read.astype(int) - 200).max() <= 2, mode

    def test_bilevel(self) -> None:
        assert np.unique(read_photograph(Image.fromarray(picture()).convert("1"))).tolist() == [0, 255]

    def test_16_bits_are_scaled_not_clipped(self, tmp_path: Path) -> None:
        levels = np.array([[0, 257, 128 * 257, 65535]], np.uint16)
        path = save(Image.fromarray(levels), tmp_path / "deep.png")
        assert read_photograph(path)[0, :, 0].tolist() == [0, 1, 128, 255]
        assert read_photograph(Image.fromarray(levels.astype(np.int32)))[0, :, 1].tolist() == [0, 1, 128, 255]

    @pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
    @pytest.mark.parametrize("suffix", [".png", ".tif"])
    def test_fewer_bits_in_16_are_not_nearly_black(self, tmp_path: Path, bits: int, suffix: str) -> None:
        levels = np.linspace(0, 2**bits - 1, 60).astype(np.uint16).reshape(6, 10)
        path = save(Image.fromarray(levels), tmp_path / f"deep{suffix}")
        expected = np.rint(np.linspace(0, 255, 60)).astype(int).reshape(6, 10)
        for source in (path, levels):
            assert np.abs(read_photograph(source)[..., 0] - expected).max() <= 1

    def test_a_tiff_may_name_its_white(self, tmp_path: Path) -> None:
        path = tmp_path / "dim.tif"
        Image.fromarray(np.full((4, 4), 900, np.uint16)).save(path, tiffinfo={281: 4095})
        assert np.unique(read_photograph(path)).tolist() == [56]

    def test_12_bits_a_colour_are_not_nearly_black(self, tmp_path: Path) -> None:
        rows = b"".join(b"\0" + np.full((9, 3), 4095, ">u2").tobytes() for _ in range(6))
        path = tmp_path / "deep.png"
        path.write_bytes(png(9, 6, zlib.compress(rows), depth=16))
        assert np.unique(read_photograph(path)).tolist() == [255]

    def test_bands_change_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rgba = np.random.default_rng(0).integers(0, 256, (31, 17, 4), dtype=np.uint8)
        whole = read_photograph(rgba)
        monkeypatch.setattr("slotlight.images.reading._BAND_PIXELS", 100)
        np.testing.assert_array_equal(read_photograph(rgba), whole)
        np.testing.assert_array_equal(read_photograph(picture(31, 17)), picture(31, 17))

    def test_transparent_is_laid_on_white(self, tmp_path: Path) -> None:
        rgba = np.zeros((1, 3, 4), np.uint8)
        rgba[0, :, 3] = [0, 255, 128]
        path = save(Image.fromarray(rgba), tmp_path / "alpha.png")
        assert read_photograph(path)[0, :, 0].tolist() == [255, 0, 127]
        np.testing.assert_array_equal(read_photograph(rgba), read_photograph(path))

    def test_palette_with_a_transparent_entry(self, tmp_path: Path) -> None:
        image = Image.new("P", (2, 1))
        image.putpalette([0, 0, 0, 255, 0, 0])
        image.putpixel((1, 0), 1)
        path = save(image, tmp_path / "palette.gif", transparency=0)
        assert read_photograph(path)[0].tolist() == [[255, 255, 255], [255, 0, 0]]

    def test_exif_orientation_is_applied(self, tmp_path: Path) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6  # stored a quarter turn to the left
        path = save(Image.fromarray(picture()), tmp_path / "turned.png", exif=exif)
        np.testing.assert_array_equal(read_photograph(path), np.rot90(picture(), -1))

    def test_first_frame_of_an_animation(self, tmp_path: Path) -> None:
        frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
        path = save(frames[0], tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
        assert read_photograph(path)[0, 0].tolist() == [255, 0, 0]

    @pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1)])
    def test_thin_photographs(self, tmp_path: Path, size: tuple[int, int]) -> None:
        path = save(Image.fromarray(picture(*size)), tmp_path / "thin.png")
        image = resize(read_photograph(path, min_side=64), fit_size(*size, image_size=64, patch_size=16))
        assert min(image.shape[:2]) >= 16

    def test_a_draft_looks_like_the_whole(self, jpeg: Path) -> None:
        small = read_photograph(jpeg, min_side=128)
        assert small.shape == (150, 225, 3)
        whole = resize(read_photograph(jpeg), (64, 96)).astype(int)
        assert np.abs(whole - resize(small, (64, 96))).max() <= 3


class TestArrays:
    def test_arrays_tensors_and_pil_images_agree(self) -> None:
        rgb = picture()
        tensor = torch.from_numpy(rgb).permute(2, 0, 1)
        for same in (rgb, rgb / 255, (rgb * np.uint16(257)), Image.fromarray(rgb), tensor, tensor / 255):
            np.testing.assert_array_equal(read_photograph(same), rgb)

    @pytest.mark.parametrize("shape", [(6, 9), (6, 9, 1)])
    def test_grey(self, shape: tuple[int, ...]) -> None:
        grey = picture()[..., 0].reshape(shape)
        np.testing.assert_array_equal(read_photograph(grey), np.repeat(grey.reshape(6, 9, 1), 3, axis=2))
        read = read_photograph(torch.rand(4, 5) < 0.5)
        assert set(np.unique(read)) <= {0, 255}

    def test_the_caller_keeps_an_own_array(self) -> None:
        rgb = picture()
        read_photograph(rgb)[:] = 0
        np.testing.assert_array_equal(rgb, picture())

    @pytest.mark.parametrize(
        ("array", "says"),
        [
            (np.zeros((3, 6, 9), np.uint8), "shape"),
            (np.zeros((0, 9, 3), np.uint8), "shape"),
            (np.zeros((6, 9, 3), np.int64), "int64"),
            (np.full((6, 9), 255.0), "outside"),
            (np.full((6, 9), np.nan), "outside"),
            (torch.zeros(6, 9, 3), "shape"),
            (torch.zeros(3, 6, 9, device="meta"), "The tensor"),
            (torch.zeros(6, 9).to_sparse(), "The tensor"),
            (np.zeros((6, 9), complex), "complex128"),
            (Image.new("RGB", (0, 9)), "no pixels"),
        ],
    )
    def test_what_is_not_a_photograph(
        self, array: np.ndarray | torch.Tensor | Image.Image, says: str
    ) -> None:
        with pytest.raises(ImageError, match=says):
            read_photograph(array)


def png(width: int, height: int, data: bytes = b"", depth: int = 8) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0)
    chunks = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in [(b"IHDR", header), (b"IDAT", data)]
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


class TestDamaged:
    @pytest.mark.parametrize(
        ("content", "says"),
        [
            (b"", "empty"),
            (b"A letter, not a picture.\n" * 50, "not an image"),
            (png(60_000, 60_000), "pixels"),
            (png(60, 60, zlib.compress(bytes(99))), "damaged"),
        ],
        ids=["empty", "text", "bomb", "broken"],
    )
    def test_names_the_file_and_the_cause_in_one_sentence(
        self, tmp_path: Path, content: bytes, says: str
    ) -> None:
        path = tmp_path / "bad.jpg"
        path.write_bytes(content)
        with pytest.raises(ImageError, match=says) as error:
            read_photograph(path)
        assert str(path) in str(error.value)
        assert "\n" not in str(error.value)

    @pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
    def test_truncated_jpeg(self, jpeg: Path, share: float) -> None:
        jpeg.write_bytes(jpeg.read_bytes()[: int(share * jpeg.stat().st_size)])
        with pytest.raises(ImageError, match=r"smooth\.jpg"):
            read_photograph(jpeg)

    def test_missing_and_folder(self, tmp_path: Path) -> None:
        with pytest.raises(ImageError, match="No such file"):
            read_photograph(tmp_path / "nowhere.jpg")
        with pytest.raises(ImageError, match="directory"):
            read_photograph(tmp_path)
