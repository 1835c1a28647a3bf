"""Names that lead nowhere, and a hub that is away."""

import pytest

from hub_server import Hub, Repository
from slotlight.errors import CheckpointError
from slotlight.hub.fetching import fetch_model
from slotlight.hub.names import HubName
from slotlight.loading import load


def test_unknown_names_and_revisions(hub: Hub) -> None:
    hub.repositories["someone/owls"] = Repository({"a" * 40: {"readme": b""}})
    for name, says in [
        ("nobody/none", "no model of that name or revision on the hub"),
        ("someone/owls@v9", "no model of that name or revision on the hub"),
        ("someone/owls", r"is not a model of Slotlight: it lacks config\.json"),
    ]:
        with pytest.raises(CheckpointError, match=says) as caught:
            load(name, device="cpu")
        assert "\n" not in str(caught.value)


def test_a_repository_without_weights(hub: Hub) -> None:
    hub.repositories["someone/owls"] = Repository({"a" * 40: {"config.json": b"{}"}})
    with pytest.raises(CheckpointError, match=r"it lacks slots\.safetensors"):
        fetch_model(HubName("someone/owls"))


@pytest.mark.usefixtures("hub")
def test_a_hub_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(CheckpointError, match="the hub cannot be reached") as caught:
        fetch_model(HubName("someone/owls"))
    assert "\n" not in str(caught.value)
