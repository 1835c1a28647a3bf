import pytest

from slotlight.config.page import PageConfig
from slotlight.errors import ConfigError


def test_only_the_loopback_is_private():
    assert PageConfig().is_private
    assert PageConfig(host="::1").is_private
    assert not PageConfig(host="0.0.0.0").is_private
    assert not PageConfig(share=True).is_private


@pytest.mark.parametrize("port", [0, -1, 65_536])
def test_ports_have_bounds(port):
    with pytest.raises(ConfigError, match=f"port is {port}; it must be from 1 to 65535"):
        PageConfig(port=port)
