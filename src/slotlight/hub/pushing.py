"""A model folder → a repository of the hub, with its card."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError
from safetensors.torch import save

from slotlight.backbones.weights import read_weights
from slotlight.errors import CheckpointError, ConfigError
from slotlight.files import digest
from slotlight.hub.card import model_card
from slotlight.hub.fetching import BACKBONE, CONFIG, WEIGHTS
from slotlight.hub.names import HubName, cause, endpoint, hub_name
from slotlight.model.checkpoint import read_config


@dataclass(frozen=True)
class Pushed:
    """What became of a push.

    Attributes:
        name: The repository at the new commit: what `slotlight.load` takes.
        url: The commit's page.
    """

    name: HubName
    url: str


def push_model(
    folder: Path,
    repo: str,
    *,
    private: bool = False,
    licence: str | None = None,
    evaluation: Path | None = None,
    backbone: bool = False,
) -> Pushed:
    """Upload a model folder in one commit: ``config.json``, its weights, and a card.

    Args:
        folder: What `slotlight.train` or `slotlight.distil` wrote.
        repo: ``user/name``; made if need be.
        private: Whether a repository that is made is private.
        licence: An identifier that the hub knows.
        evaluation: A folder that `slotlight evaluate` wrote; its tables go into the card.
        backbone: Upload the backbone's weights too, where they came from a local file.

    Raises:
        CheckpointError: The folder is not a model.
        ConfigError: The name is none, the hub refuses or cannot be reached, or nobody else could load the model.
    """
    name = hub_name(repo)
    if name is None or name.revision is not None:
        raise ConfigError(f"{repo!r} does not name a repository of the hub; give user/name.")
    files = _files(folder, backbone=backbone)
    card = model_card(name.repo, json.loads(files[CONFIG]), licence=licence, evaluation=evaluation)
    files["README.md"] = card.encode()
    api = HfApi(endpoint=endpoint(), library_name="slotlight")
    with _in_a_sentence(name.repo):
        api.create_repo(name.repo, private=private, exist_ok=True)
        operations: list[Any] = [CommitOperationAdd(path, content) for path, content in files.items()]
        commit: Any = api.create_commit(name.repo, operations, commit_message="Push a model of Slotlight")
    return Pushed(HubName(name.repo, str(commit.oid)), str(commit.commit_url))


def _files(folder: Path, *, backbone: bool) -> dict[str, bytes]:
    config = read_config(folder)
    weights = WEIGHTS[config.get("kind") == "detector"]
    try:
        files = {name: (folder / name).read_bytes() for name in (CONFIG, weights)}
    except OSError as fault:
        raise CheckpointError(
            f"{folder} lacks {weights} or it cannot be read; copy the whole folder."
        ) from fault
    source = config.get("model", {}).get("backbone", {}).get("weights")
    if source is None and backbone:
        raise ConfigError(f"The backbone of {folder} does not come from a local file; leave --backbone out.")
    if source is not None:
        if not backbone:
            raise ConfigError(
                f"{folder} reads features with the weights in {source}, which nobody else has; pass --backbone to "
                "upload them too, if their licence allows it."
            )
        state = read_weights(Path(source))
        config["model"]["backbone"]["weights"] = BACKBONE  # a path of this machine tells nobody else anything
        files[CONFIG] = json.dumps(config | {"digest": digest(config)}, indent=2).encode()
        files[BACKBONE] = save({key: value.contiguous() for key, value in state.items()})
    return files


@contextmanager
def _in_a_sentence(repo: str) -> Iterator[None]:
    try:
        yield
    except HFValidationError as fault:
        raise ConfigError(f"{repo!r} does not name a repository of the hub ({cause(fault)}).") from fault
    except LocalTokenNotFoundError as fault:
        raise ConfigError("You are not logged in to the hub; run `hf auth login` first.") from fault
    except HfHubHTTPError as fault:
        status = getattr(fault.response, "status_code", None)
        if status in (401, 403):
            raise ConfigError(
                f"The hub does not let you write to {repo}; log in with `hf auth login` as a user who can."
            ) from fault
        raise ConfigError(f"The hub refuses {repo} ({cause(fault)}).") from fault
    except Exception as fault:  # the errors of its client's HTTP libraries have no common class
        raise ConfigError(f"The hub cannot be reached ({cause(fault)}); nothing was pushed.") from fault
