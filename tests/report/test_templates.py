import pytest
from jinja2 import UndefinedError

from slotlight.report.templates import templates


@pytest.mark.parametrize("folder", ["report", "page", "studies"])
def test_what_is_shown_is_escaped_and_nothing_may_be_missing(folder: str) -> None:
    own = templates(folder)
    assert own.from_string("{{ name }}").render(name="<b>&") == "&lt;b&gt;&amp;"
    with pytest.raises(UndefinedError):
        own.from_string("{{ name }}").render()
