import pytest
import torch

from slotlight.devices import check_devices, device_name, pick_device, processor_name
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
