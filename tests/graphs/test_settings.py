"""The hash in a file, and what it says of itself."""

import pytest

from slotlight.config import Calibration
from slotlight.graphs.settings import SHA256, UNKNOWN, GraphSettings, named_hash, with_hash


def file_with_hash() -> bytes:
    field = b"\x0a\x10" + SHA256.encode() + b"\x12\x40" + UNKNOWN.encode()
    return with_hash(b"before" + field + b"after")


def test_a_file_names_its_own_hash() -> None:
    named = named_hash(file_with_hash())
    assert named is not None
    assert named[1]
    assert named[0] != UNKNOWN


@pytest.mark.parametrize("place", [0, -1])
def test_any_changed_byte_is_noticed(place: int) -> None:
    content = bytearray(file_with_hash())
    content[place] ^= 1
    named = named_hash(bytes(content))
    assert named is not None
    assert not named[1]


def test_other_files_name_none() -> None:
    assert named_hash(b"anything else") is None


@pytest.mark.parametrize("text", ['{"format": 0}', '{"format": 1, "odd": 2}', "[]", "no JSON"])
def test_settings_of_another_version_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"format|odd|Expecting|argument"):
        GraphSettings.decoded(text)


def test_settings_hold_the_calibration_and_need_none() -> None:
    settings = GraphSettings(
        "mine", "5f77", 0, "0.1.0", Calibration(slope=2.0, intercept=-1.0, labels="some")
    )
    assert GraphSettings.decoded(settings.encoded()) == settings
    text = '{"format": 1, "model": "mine", "fingerprint": "5f77", "seed": 0, "version": "0.1.0"}'
    assert GraphSettings.decoded(text).calibration == Calibration()
    with pytest.raises(ValueError, match="slope"):
        GraphSettings.decoded(text[:-1] + ', "calibration": {"slope": -1.0}}')
