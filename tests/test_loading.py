from pathlib import Path

import pytest

from slotlight.discovery.discoverer import Discoverer
from slotlight.errors import CheckpointError, ConfigError, UnknownNameError
from slotlight.loading import load


def test_a_name_or_a_folder_is_a_discoverer(trainings: list[Path]) -> None:
    assert isinstance(load("tiles"), Discoverer)
    assert load(trainings[0], device="cpu").name == "mine-0"


@pytest.mark.parametrize(
    ("name", "options", "fault", "says"),
    [
        ("embeded", {}, UnknownNameError, "did you mean 'embedded'"),
        ("no/such/folder", {}, CheckpointError, "is not a model folder"),
        ("tokencut@", {}, ConfigError, "has nothing after the @"),
        ("embedded", {"weights": Path("x")}, ConfigError, "does not use weights"),
        ("tiles", {"precision": "bf16"}, ConfigError, "does not use precision"),
        ("model.onnx", {"device": "cuda"}, ConfigError, "does not use device"),
    ],
)
def test_what_would_be_ignored_or_is_not_there_is_refused(
    name: str, options: dict, fault: type[Exception], says: str
) -> None:
    with pytest.raises(fault, match=says):
        load(name, **options)
