"""``slotlight demo``: a page in the browser that finds objects in photographs."""

from pathlib import Path

from tyro.conf import OmitArgPrefixes

from slotlight.config import EMBEDDED, Precision
from slotlight.config.page import PageConfig
from slotlight.errors import ConfigError


def demo(
    *,
    model: str = EMBEDDED,
    weights: Path | None = None,
    device: str = "auto",
    precision: Precision = "fp32",
    page: OmitArgPrefixes[PageConfig] = PageConfig(),  # noqa: B008
    max_mb: int = 64,
    max_pixels: int | None = None,
) -> int:
    """Open a page in the browser: drop photographs, see their objects, move sliders, download.

    The page is served to this machine alone, loads nothing from elsewhere, and deletes what was uploaded when it ends.
    Needs pip install 'slotlight[demo]'.

    Args:
        model: embedded, a folder that `slotlight train` wrote, or a baseline (see `slotlight models`).
        weights: A local file with the backbone's weights.
        device: auto, cpu, cuda, mps, ...
        precision: Precision of the model's arithmetic.
        page: Where the page is served.
        max_mb: The largest size of one photograph, in megabytes.
        max_pixels: Photographs with more pixels are named and left out, to limit memory.
    """
    from slotlight.images import max_pixels as most_pixels
    from slotlight.images import set_max_pixels
    from slotlight.loading import load
    from slotlight.page.demo import build_demo
    from slotlight.page.server import require_gradio, serve

    require_gradio()
    if max_mb < 1:
        raise ConfigError(f"max_mb is {max_mb}; it must be at least 1.")
    if max_pixels is not None:
        set_max_pixels(max_pixels)
    discoverer = load(model, weights=weights, device=device, precision=precision)
    limits = f"Up to {max_mb} MB and {most_pixels() / 1e6:,.0f} million pixels each."
    serve(
        lambda folder: build_demo(discoverer, folder, is_private=page.is_private, limits=limits),
        page,
        most_bytes=max_mb * 1_000_000,
    )
    return 0
