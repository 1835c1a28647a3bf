import pytest

from slotlight.discovery import samples
from slotlight.errors import ImageError


def test_each_sample_is_there() -> None:
    assert [path.is_file() for path in samples.sample_photographs()] == [True] * 4


def test_without_the_package_its_remedy_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "find_spec", lambda _: None)
    with pytest.raises(ImageError, match=r"pip install 'slotlight\[samples\]'"):
        samples.sample_photographs()
