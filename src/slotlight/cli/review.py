"""``slotlight review``: a page in the browser to keep, drop and merge what was found."""

from pathlib import Path

from tyro.conf import Positional


def review(
    found: Positional[Path],
    *,
    root: Path | None = None,
    host: str = "127.0.0.1",
    port: int | None = None,
    start_over: bool = False,
) -> int:
    """Keep, drop and merge the objects in FOUND with the keyboard, and write FOUND/reviewed.json.

    FOUND/objects.json is never changed. Every key is saved at once, so that the same command resumes where you
    left off. Needs pip install 'slotlight[demo]'.

    Args:
        found: A folder that `slotlight discover` wrote.
        root: The folder in which relative names of photographs begin; without it, the one you are in.
        host: The address to listen on; 0.0.0.0 lets everyone on the network in.
        port: The port; without one, the first that is free from 7860.
        start_over: Forget an earlier review of FOUND.
    """
    from slotlight.config.page import PageConfig
    from slotlight.page.server import require_gradio, serve

    place = PageConfig(host=host, port=port)
    require_gradio()
    from slotlight.page.review import build_review
    from slotlight.review.folder import ReviewFolder

    folder = ReviewFolder(found, root=root, start_over=start_over)
    try:
        serve(lambda _: build_review(folder), place)
        if not folder.journal.is_saved:
            print(f"Not saved yet: {found / 'reviewed.json'}; run the same command and press s.")
    finally:
        folder.close()
    return 0
