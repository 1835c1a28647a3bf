"""A name, a folder or a file → a `Discoverer`. Imports torch only for what needs it."""

from pathlib import Path

from slotlight.config import EMBEDDED, ObjectRule, Precision
from slotlight.discovery.discoverer import Discoverer
from slotlight.errors import refuse
from slotlight.graphs.running import SUFFIX, GraphDiscoverer


def load(
    name: str | Path = EMBEDDED,
    *,
    weights: Path | None = None,
    device: str = "auto",
    precision: Precision = "fp32",
    rule: ObjectRule | None = None,
) -> Discoverer:
    """Load whatever finds objects, ready to use.

    Args:
        name: ``embedded`` (the model in the package), a folder that `slotlight.train` or `slotlight.distil`
            wrote, an ONNX file that `slotlight export` wrote, a model of the hub (``user/name``, at a commit or tag
            ``user/name@revision``), or a floor or baseline by name. Baselines that read features take a backbone
            after an ``@``, such as ``tokencut@dino-vits16``, or a model's folder, whose features they then read;
            without it they read the embedded one's.
        weights: A local file with the backbone's weights; without it they come from the package or the hub.
        device: ``cpu``, ``cuda``, ``mps``, ...; ``auto`` takes the first accelerator there is.
        precision: ``fp32`` or ``bf16``.
        rule: Which scored slots become objects.

    Raises:
        UnknownNameError: Neither a folder nor a known name.
        CheckpointError: The folder or file is not a model.
        WeightsError: A backbone's weights are out of reach.
    """
    if Path(name).suffix == SUFFIX:
        refuse(
            str(name),
            weights=weights is not None,
            device=device not in ("auto", "cpu"),
            precision=precision != "fp32",
        )
        return GraphDiscoverer(Path(name), rule=rule)
    from slotlight.choosing import choose_segmenter

    return Discoverer(choose_segmenter(str(name), weights, device, precision), rule=rule)
