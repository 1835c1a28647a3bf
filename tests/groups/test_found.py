import pytest

from slotlight.discovery.results import ResultFolder
from slotlight.errors import OutputError
from slotlight.groups.found import FoundObjects


def test_what_is_not_a_discovery_is_refused(tmp_path):
    with pytest.raises(OutputError, match="holds no finished discovery"):
        FoundObjects.of(tmp_path)
    results = ResultFolder(tmp_path / "empty", [], {})
    results.finish()
    results.close()
    with pytest.raises(OutputError, match="holds no object"):
        FoundObjects.of(tmp_path / "empty")
