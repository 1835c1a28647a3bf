import pytest
import torch

from slotlight.config import Precision
from slotlight.devices import check_devices, mention_slow_precision, pick_device
from slotlight.errors import ConfigError, UnknownNameError


def test_a_device_is_chosen_by_name() -> None:
    assert pick_device("cpu") == torch.device("cpu")
    assert pick_device("auto").type in ("cpu", "cuda", "mps", "xpu")


@pytest.mark.parametrize("name", ["meta", "cpu:1", "gpu", ""])
def test_a_device_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(UnknownNameError, match="auto"):
        pick_device(name)


@pytest.mark.parametrize(("device", "count"), [("cpu", 0), ("cpu", 100_000), ("cuda:0", 2)])
def test_more_devices_than_there_are_are_refused(device: str, count: int) -> None:
    with pytest.raises(ConfigError):
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
