"""``slotlight export``: a model → one graph in a file."""

from pathlib import Path
from typing import Literal

from tyro.conf import Positional

from slotlight.config import EMBEDDED


def export(
    model: Positional[str] = EMBEDDED,
    *,
    out: Path,
    format: Literal["onnx", "torch"] = "onnx",
    weights: Path | None = None,
    seed: int = 0,
    int8: bool = False,
) -> int:
    """Write a model as one graph, from the pixels of a photograph to its objects, that runs without Slotlight.

    The graph reads an RGB photograph of any size (uint8, height × width × 3) and gives the slots' masks, scores and
    groups, and the slot that wins each pixel. `slotlight discover --model FILE.onnx` runs it without torch.

    Args:
        model: embedded, or a folder that `slotlight train` wrote.
        out: The file to write: a new one, whose name ends in .onnx or .pt2.
        format: onnx for ONNX Runtime, torch for `torch.export.load`.
        weights: A local file with the backbone's weights.
        seed: Seed of the slots' initial noise; the graph always finds what this seed finds.
        int8: Store large weights in 8 bits: a little more than a third of the file size at the same speed. Only for
            onnx.
    """
    from slotlight.choosing import choose_segmenter
    from slotlight.config.bounds import check_seed
    from slotlight.errors import ConfigError
    from slotlight.graphs.writing import export_model

    check_seed(seed)
    suffix = {"onnx": ".onnx", "torch": ".pt2"}[format]
    if out.suffix != suffix:
        raise ConfigError(f"The format {format} cannot be written to {out.name!r}; end the name in {suffix}.")
    export_model(choose_segmenter(model, weights, "cpu", "fp32"), out, format, seed=seed, int8=int8)
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB")
    return 0
