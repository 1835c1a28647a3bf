import signal
import sys
from contextlib import contextmanager

import numpy as np
import pytest
from PIL import Image

from slotlight.images.saving import save_picture


@contextmanager
def files_of_at_most(size: int):
    resource = pytest.importorskip("resource")
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.skipif(sys.platform == "win32", reason="no limits on files")
@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_a_disk_that_takes_only_a_part_is_noticed(tmp_path, suffix):
    path = tmp_path / f"noise{suffix}"
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8))
    save_picture(noise, path)
    whole = path.read_bytes()
    with files_of_at_most(len(whole) // 2), pytest.raises(OSError, match="large"):
        save_picture(noise, path)
    assert path.read_bytes() == whole
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
