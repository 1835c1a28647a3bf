import pytest

from clips import squares, write_clip


@pytest.fixture
def clip(tmp_path):
    return write_clip(tmp_path / "my clip.mp4", squares(30, hidden=range(10, 14)))
