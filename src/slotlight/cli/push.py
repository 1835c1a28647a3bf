"""``slotlight push``: a model folder → the hub."""

from pathlib import Path

from tyro.conf import Positional


def push(
    folder: Positional[Path],
    repo: Positional[str],
    *,
    private: bool = False,
    licence: str | None = None,
    evaluation: Path | None = None,
    backbone: bool = False,
) -> int:
    """Upload a model to the Hugging Face hub, with a card that says how it was trained and measured.

    Anyone can then run `slotlight discover --model user/name`, or load it in Python with slotlight.load("user/name").

    Args:
        folder: What `slotlight train` or `slotlight distil` wrote.
        repo: user/name; the repository is created if it does not exist.
        private: Make the repository private.
        licence: The weights' licence, as the hub calls it, such as apache-2.0.
        evaluation: A folder that `slotlight evaluate` wrote, whose tables go into the card.
        backbone: Upload the backbone's weights too, where they came from a local file.
    """
    from slotlight.hub.pushing import push_model

    done = push_model(
        folder, repo, private=private, licence=licence, evaluation=evaluation, backbone=backbone
    )
    print(f"{done.url}\nload this state with: {done.name}")
    return 0
