"""A name on the hub → a model folder on this machine. Nothing that is fetched is executed."""

from pathlib import Path
from typing import Any

from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url, try_to_load_from_cache
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from slotlight.errors import CheckpointError
from slotlight.hub.names import HubName, cause, endpoint

CONFIG, BACKBONE = "config.json", "backbone.safetensors"
WEIGHTS = ("slots.safetensors", "detector.safetensors")
"""Of which a model folder has one."""

PATIENCE_S = 5.0


def fetch_model(name: HubName) -> Path:
    """The folder of a model of the hub, in the hub client's cache on this machine.

    A branch or tag, and the newest state without a revision, is resolved to its commit first, so that all files are of
    one commit. A commit that is on this machine is not asked for again.

    Raises:
        CheckpointError: The hub has no such model, or cannot be reached.
    """
    if name.is_pinned and (folder := _cached(name)):
        return folder
    try:
        commit = _commit(name)
        config = Path(_download(name, CONFIG, commit))
        if not any(_try_download(name, weights, commit) for weights in WEIGHTS):
            raise CheckpointError(f"{name} on the hub is not a model of Slotlight: it lacks {WEIGHTS[0]}.")
        _try_download(name, BACKBONE, commit)
    except GatedRepoError as fault:
        raise CheckpointError(
            f"{name} is gated on the hub; accept its terms on its page and log in with `hf auth login`."
        ) from fault
    except (RepositoryNotFoundError, RevisionNotFoundError) as fault:
        raise CheckpointError(
            f"There is no folder {name} here, and no model of that name or revision on the hub (or it is private and "
            "you are not logged in)."
        ) from fault
    except EntryNotFoundError as fault:
        raise CheckpointError(f"{name} on the hub is not a model of Slotlight: it lacks {CONFIG}.") from fault
    except CheckpointError:
        raise
    except Exception as fault:  # the errors of its client's HTTP libraries have no common class
        raise CheckpointError(
            f"There is no folder {name} here, and the hub cannot be reached ({cause(fault)}); a model that was fetched "
            "before loads as user/name@COMMIT without it."
        ) from fault
    return config.parent


def _commit(name: HubName) -> str:
    url = hf_hub_url(name.repo, CONFIG, revision=name.revision, endpoint=endpoint())
    # Asked once: the client itself would retry for a minute.
    commit = get_hf_file_metadata(url, timeout=PATIENCE_S, endpoint=endpoint()).commit_hash
    if commit is None:
        raise CheckpointError(f"{name} cannot be pinned: the hub does not report its commit.")
    return commit


def _download(name: HubName, file: str, commit: str) -> str:
    found: Any = hf_hub_download(name.repo, file, revision=commit, endpoint=endpoint())
    return str(found)


def _try_download(name: HubName, file: str, commit: str) -> bool:
    try:
        _download(name, file, commit)
    except EntryNotFoundError:
        return False
    return True


def _cached(name: HubName) -> Path | None:
    """The folder of a commit that was fetched before."""
    here = {
        file: try_to_load_from_cache(name.repo, file, revision=name.revision)
        for file in (CONFIG, BACKBONE, *WEIGHTS)
    }
    # Of what the repository does not have, the cache keeps a note.
    known = all(found is not None for file, found in here.items() if file not in WEIGHTS)
    config = here[CONFIG]
    if known and isinstance(config, str) and any(isinstance(here[file], str) for file in WEIGHTS):
        return Path(config).parent
    return None
