import pytest
import torch

from slotlight.config import Precision
from slotlight.devices import (
    check_devices,
    device_name,
    mention_slow_precision,
    pick_device,
    processor_name,
)
from slotlight.errors import ConfigError, UnknownNameError


@pytest.mark.parametrize("name", ["gpu", "meta", "cpu:0", "privateuseone"])
def test_devices_that_are_not_there_are_named(name: str) -> None:
    with pytest.raises(UnknownNameError, match=f"no device '{name}'.*Valid: auto, cpu"):
        pick_device(name)


def test_the_processor_is_a_device_with_its_name_and_threads() -> None:
    assert pick_device("cpu") == torch.device("cpu")
    assert device_name(torch.device("cpu")) == f"cpu ({processor_name()}, {torch.get_num_threads()} threads)"


@pytest.mark.parametrize(
    ("device", "count", "says"),
    [("cpu", 0, "at least 1"), ("cuda:1", 2, "cuda:1 is one device"), ("mps", 2, "has 1 for mps")],
)
def test_more_devices_than_there_are(device: str, count: int, says: str) -> None:
    check_devices(torch.device("cpu"), 2)
    with pytest.raises(ConfigError, match=says):
        check_devices(torch.device(device), count)


@pytest.mark.parametrize(
    ("precision", "supported", "said"), [("bf16", False, 1), ("bf16", True, 0), ("fp32", False, 0)]
)
def test_bfloat16_on_a_processor_without_it_is_said(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    precision: Precision,
    supported: bool,
    said: int,
) -> None:
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: supported)
    mention_slow_precision(torch.device("cpu"), precision)
    assert len(caplog.records) == said
