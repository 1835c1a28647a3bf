"""A model goes to a hub and comes back from it, over HTTP; what can go wrong is one sentence."""

import json
import shutil
from pathlib import Path

import pytest

from hub_server import Hub
from slotlight.errors import CheckpointError, ConfigError
from slotlight.files import pretrained
from slotlight.hub.fetching import fetch_model
from slotlight.hub.pushing import push_model
from slotlight.loading import load
from slotlight.model.checkpoint import load_model, read_config


@pytest.mark.usefixtures("hub")
def test_a_model_comes_back_as_it_was(own_backbone: Path) -> None:
    pushed = push_model(own_backbone, "someone/owls", backbone=True)
    (own_backbone.parent / "vit.safetensors").rename(own_backbone.parent / "elsewhere")
    try:
        back = load(str(pushed.name), device="cpu")
    finally:
        (own_backbone.parent / "elsewhere").rename(own_backbone.parent / "vit.safetensors")
    assert back.name == str(pushed.name)
    assert back.segmenter.fingerprint() == load_model(own_backbone).fingerprint()


def test_the_hub_holds_weights_settings_and_a_card_and_no_path(hub: Hub, own_backbone: Path) -> None:
    push_model(own_backbone, "someone/owls", backbone=True, licence="apache-2.0")
    (files,) = hub.repositories["someone/owls"].commits.values()
    assert files.keys() == {"config.json", "slots.safetensors", "backbone.safetensors", "README.md"}
    assert str(own_backbone.parent) not in files["config.json"].decode()
    card = files["README.md"].decode()
    for told in (
        "license: apache-2.0",
        "12 photographs",
        "3 steps of 2",
        'load("someone/owls")',
        "Nothing was measured",
    ):
        assert told in card


def test_a_commit_stays_what_it_was(hub: Hub, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(pretrained(), tmp_path / "model"))
    first = push_model(folder, "someone/owls").name
    hub.repositories["someone/owls"].commits["f" * 40] = {"config.json": b"another"}
    config = read_config(fetch_model(first))
    assert config == read_config(pretrained())
    asked = len(hub.requests)
    fetch_model(first)
    assert len(hub.requests) == asked, "a commit that is here is not asked for again"


def test_the_card_tells_what_was_measured(hub: Hub, tmp_path: Path) -> None:
    facts = {
        "tables": [{"rows": [{"model": "mine", "is_floor": False}, {"model": "tiles", "is_floor": True}]}]
    }
    (tmp_path / "report.json").write_text(json.dumps(facts))
    (tmp_path / "report.md").write_text("| **mine** | 48.2 |\n")
    push_model(pretrained(), "someone/owls", evaluation=tmp_path)
    (files,) = hub.repositories["someone/owls"].commits.values()
    card = files["README.md"].decode()
    assert "beside `mine`" in card
    assert "| **mine** | 48.2 |" in card
    with pytest.raises(CheckpointError, match="holds no finished evaluation"):
        push_model(pretrained(), "someone/owls", evaluation=tmp_path / "none")


def test_who_may_not_write_is_told(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(ConfigError, match="log in with `hf auth login`"):
        push_model(pretrained(), "someone/owls")
    assert not hub.repositories


@pytest.mark.usefixtures("hub")
def test_weights_that_nobody_else_has(own_backbone: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="pass --backbone"):
        push_model(own_backbone, "someone/owls")
    with pytest.raises(ConfigError, match="leave --backbone out"):
        push_model(pretrained(), "someone/owls", backbone=True)
    with pytest.raises(CheckpointError, match="is not a model folder"):
        push_model(tmp_path, "someone/owls")
