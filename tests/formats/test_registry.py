import sys

import pytest

from found_scenes import found_scenes
from slotlight.config.formats import FORMAT_NAMES
from slotlight.errors import ConfigError
from slotlight.formats.registry import FORMATS, OUTPUTS, check_installed


def test_every_name_has_a_writer_with_an_output_of_its_own(tmp_path):
    assert tuple(FORMATS) == FORMAT_NAMES
    found = found_scenes(tmp_path / "in")
    (tmp_path / "out").mkdir()
    for one in FORMATS.values():
        one.write(found, tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {one.output for one in FORMATS.values()}
    assert len(set(OUTPUTS)) == len(OUTPUTS)


def test_a_missing_extra_is_named(monkeypatch):
    check_installed(FORMATS)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setattr("slotlight.formats.registry.find_spec", lambda name: sys.modules.get(name))
    with pytest.raises(
        ConfigError, match=r"'parquet' needs pyarrow; install it with: pip install 'slotlight\[parquet\]'"
    ):
        check_installed(["coco", "parquet"])
