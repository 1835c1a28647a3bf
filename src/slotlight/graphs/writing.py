"""A model → a file that holds it as one graph, for ONNX Runtime or for torch without Slotlight."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import torch
from torch.export import Dim, ExportedProgram

from slotlight.errors import ConfigError
from slotlight.files import whole_file, writing_to
from slotlight.graphs.int8 import with_int8_weights
from slotlight.graphs.running import OUTPUTS
from slotlight.graphs.settings import SETTINGS, SHA256, UNKNOWN, GraphSettings, with_hash
from slotlight.graphs.whole import WholeModel
from slotlight.images.files import max_pixels
from slotlight.model.fusion import LARGEST_BATCHED
from slotlight.model.segmenter import ModelSegmenter
from slotlight.progress import quiet
from slotlight.segmenter import Segmenter
from slotlight.version import __version__

GraphFormat = Literal["onnx", "torch"]
_EXAMPLE = (270, 360)


def export_model(
    segmenter: Segmenter, out: Path, kind: GraphFormat = "onnx", *, seed: int = 0, int8: bool = False
) -> None:
    """Write a model as one graph: photographs of any size to slot masks, scores, groups and segments.

    Args:
        segmenter: A model, in fp32 on the processor; floors and baselines are none.
        out: A new file.
        kind: ``onnx`` for ONNX Runtime, ``torch`` for `torch.export.load`.
        seed: Of what is drawn for the slots' start; the graph always finds what this seed finds.
        int8: Keep large weights in eight bits; see `slotlight.graphs.int8`.

    Raises:
        ConfigError: The model has no such graph, a package is missing, or eight bits are asked for in torch's format.
        OutputError: The file cannot be written.
    """
    if not isinstance(segmenter, ModelSegmenter):
        raise ConfigError(
            f"{segmenter.name!r} is not a slot model and cannot be exported; give embedded or a folder that "
            "`slotlight train` wrote."
        )
    _require_exportable(segmenter)
    if out.exists():
        raise ConfigError(f"{out} already exists and is not overwritten; choose another name for --out.")
    if int8 and kind != "onnx":
        raise ConfigError("Only ONNX files hold 8-bit weights; leave out --int8 or --format torch.")
    settings = GraphSettings(
        segmenter.name, segmenter.fingerprint(), seed, __version__, segmenter.calibration
    )
    if kind == "onnx":
        _require_packages()
    with quiet("torch.onnx", "onnxscript"), _in_a_sentence(segmenter.name):
        program = traced(WholeModel(segmenter, seed=seed))
        content = (
            _onnx_bytes(program, settings, int8=int8) if kind == "onnx" else _torch_bytes(program, settings)
        )
    with writing_to(out), whole_file(out) as partial:
        partial.write_bytes(content)


def traced(model: WholeModel) -> ExportedProgram:
    """The graph of a model for photographs of any size."""
    example = torch.zeros(*_EXAMPLE, 3, dtype=torch.uint8)
    side = max_pixels()
    sizes = {0: Dim("height", min=1, max=side), 1: Dim("width", min=1, max=side)}
    with torch.no_grad():
        model(example)  # tables that are made once and kept must be real before anything is traced
        return torch.export.export(model, (example,), dynamic_shapes=(sizes,), strict=False)


def _require_exportable(segmenter: ModelSegmenter) -> None:
    config = segmenter.model.config
    if segmenter.device.type != "cpu" or segmenter.precision != "fp32":
        raise ConfigError("Models are exported in fp32 from the CPU; load the model with device cpu.")
    if config.fusion == "hungarian" and config.slots.slots > LARGEST_BATCHED:
        raise ConfigError(
            f"A graph cannot match {config.slots.slots} slots exactly; export a model with at most {LARGEST_BATCHED} "
            "slots or another fusion."
        )
    if segmenter.image_size // segmenter.patch_size < 6:
        raise ConfigError(
            f"At image_size {segmenter.image_size}, photographs have too few patches for a graph; export a model with "
            "a larger image_size."
        )


def _require_packages() -> None:
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ModuleNotFoundError as fault:
        raise ConfigError(
            f"Writing ONNX files needs {fault.name}, which is not installed; run pip install 'slotlight[onnx]'."
        ) from fault


def _onnx_bytes(program: ExportedProgram, settings: GraphSettings, *, int8: bool) -> bytes:
    written = torch.onnx.export(
        program, dynamo=True, input_names=["image"], output_names=list(OUTPUTS), verbose=False
    )
    assert written is not None
    proto = written.model_proto
    if int8:
        with_int8_weights(proto)
    for key, value in ((SETTINGS, settings.encoded()), (SHA256, UNKNOWN)):
        proto.metadata_props.add(key=key, value=value)
    return with_hash(proto.SerializeToString())


def _torch_bytes(program: ExportedProgram, settings: GraphSettings) -> bytes:
    file = io.BytesIO()
    torch.export.save(
        program, file, extra_files={f"{SETTINGS}.json": json.dumps(json.loads(settings.encoded()))}
    )
    return file.getvalue()


@contextmanager
def _in_a_sentence(name: str) -> Iterator[None]:
    try:
        yield
    except Exception as fault:  # tracing runs a network's own code, which may raise anything
        lines = str(fault).strip().splitlines() or [type(fault).__name__]
        raise ConfigError(
            f"torch {torch.__version__} cannot write {name!r} as a graph for photographs of any size "
            f"({lines[0][:160]}); export a model with another backbone."
        ) from fault
