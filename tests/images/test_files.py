import os
import subprocess
import threading
import time
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from odd_files import picture
from slotlight.errors import ImageError
from slotlight.images import read_photograph
from slotlight.images.files import PixelBudget, max_pixels, read_size, reads_heic, set_max_pixels

CASES = Path(__file__).parents[1] / "../shared/cases"


class TestFaults:
    @pytest.mark.parametrize(
        "header", [b"P5 x 4 255\n", b"P5\n4 4 70000\n", b"P5\n4 -4 255\n", b"P2\n4 4\n9\n1 2 z"]
    )
    def test_wrong_bytes_in_a_pgm(self, tmp_path: Path, header: bytes) -> None:
        path = tmp_path / "x.pgm"
        path.write_bytes(header + bytes(16))
        with pytest.raises(ImageError, match=r"x\.pgm is"):
            read_photograph(path)

    def test_postscript_starts_no_program(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "x.jpg"
        Image.fromarray(picture()).save(path, "EPS")
        monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a program was started"))
        with pytest.raises(ImageError, match="PostScript or PDF document"):
            read_photograph(path)

    @pytest.mark.parametrize("kind", ["ICO", "PCX", "TGA", "SGI", "PDF"])
    def test_formats_that_are_not_named_are_refused(self, tmp_path: Path, kind: str) -> None:
        path = tmp_path / "x.jpg"
        Image.fromarray(picture(32, 32)).save(path, kind)
        with pytest.raises(ImageError, match="not an image"):
            read_photograph(path)

    @pytest.mark.parametrize(
        ("start", "kind"), [(b"II*\0", "TIFF"), (b"\xff\xd8\xff\xc3", "JPEG"), (b"\x89PNG\r\n\x1a\n", "PNG")]
    )
    def test_kinds_of_a_format_that_are_not_supported(self, tmp_path: Path, start: bytes, kind: str) -> None:
        (tmp_path / "x.jpg").write_bytes(start + bytes(40))
        with pytest.raises(
            ImageError, match=f"is a {kind} of a kind that is not supported|damaged or not sup"
        ):
            read_photograph(tmp_path / "x.jpg")

    def test_pipes_and_devices_are_refused(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe.jpg")
        for path in (tmp_path / "pipe.jpg", Path("/dev/zero")):
            with pytest.raises(ImageError, match="not a regular file"):
                read_photograph(path)

    @pytest.mark.parametrize(
        "error", [RecursionError("deep"), MemoryError(), ZeroDivisionError(), AssertionError()]
    )
    def test_whatever_a_decoder_raises(
        self, png: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
    ) -> None:
        def fail(*_: object) -> None:
            raise error

        monkeypatch.setattr(PngImagePlugin.PngImageFile, "load_prepare", fail)
        with pytest.raises(ImageError, match=r"good\.png (?!.*AssertionError)"):
            read_photograph(png)

    def test_more_pixels_than_allowed(self, png: Path) -> None:
        former = max_pixels()
        try:
            set_max_pixels(53)
            for read in (read_photograph, read_size):
                with pytest.raises(ImageError, match=r"good\.png has more than 53 pixels"):
                    read(png)
            set_max_pixels(54)
            read_photograph(png)
            with pytest.raises(ImageError, match="at least 1"):
                set_max_pixels(0)
        finally:
            set_max_pixels(former)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_size_is_known_without_decoding(tmp_path: Path, suffix: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"x{suffix}"
    Image.fromarray(picture()).save(path, exif=exif)
    size = read_size(path)
    assert size.stored == (6, 9)
    assert size.upright == read_photograph(path).shape[:2]


class TestHEIC:
    @pytest.fixture
    def heic(self) -> Path:
        path = CASES / "iphone" / "heic_named.jpg"
        if not path.is_file():
            pytest.skip(f"{path} is absent")
        return path

    def test_without_the_extra_its_remedy_is_said(self, heic: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("slotlight.images.files._formats", lambda: ("JPEG", "PNG"))
        monkeypatch.setattr("slotlight.images.files.reads_heic", lambda: False)
        with pytest.raises(
            ImageError, match=r"HEIC photograph; to read it, run pip install 'slotlight\[heic\]'"
        ):
            read_photograph(heic)

    @pytest.mark.skipif(not reads_heic(), reason="the extra heic is not installed")
    def test_with_the_extra_it_is_read(self, heic: Path) -> None:
        assert read_photograph(heic).std() > 10


class TestBudget:
    def test_no_more_than_the_budget_is_out(self) -> None:
        budget, out, most = PixelBudget(100), 0, 0
        guard = threading.Lock()

        def work(pixels: int) -> None:
            nonlocal out, most
            with budget.take(pixels):
                with guard:
                    out += min(pixels, 100)
                    most = max(most, out)
                time.sleep(0.002)
                with guard:
                    out -= min(pixels, 100)

        sizes = [10, 60, 30, 500, 90, 1] * 10
        threads = [threading.Thread(target=work, args=[size]) for size in sizes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert not any(thread.is_alive() for thread in threads)
        assert 60 <= most <= 100
        assert budget.free == 100

    def test_a_fault_gives_its_pixels_back(self) -> None:
        budget = PixelBudget(10)
        with pytest.raises(ValueError, match="x"), budget.take(4):
            raise ValueError("x")
        assert budget.free == 10
