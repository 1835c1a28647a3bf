"""Where a page may be served, and what is said without the extra."""

from importlib.util import find_spec

import pytest

from slotlight.config.page import PageConfig
from slotlight.errors import ConfigError
from slotlight.page.server import require_gradio


@pytest.mark.skipif(find_spec("gradio") is not None, reason="Gradio is installed")
def test_without_the_extra_one_sentence_says_what_to_install():
    with pytest.raises(ConfigError, match=r"need Gradio; run pip install 'slotlight\[demo\]'"):
        require_gradio()


def test_only_the_loopback_is_private():
    assert PageConfig().is_private
    assert PageConfig(host="::1").is_private
    assert not PageConfig(host="0.0.0.0").is_private
    assert not PageConfig(share=True).is_private


@pytest.mark.parametrize("port", [0, -1, 65_536])
def test_ports_have_bounds(port):
    with pytest.raises(ConfigError, match=f"port is {port}; it must be from 1 to 65535"):
        PageConfig(port=port)
