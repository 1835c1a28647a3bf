"""An ONNX file that `slotlight export` wrote → objects, in ONNX Runtime. Imports no torch."""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float32, Int64, UInt8

from slotlight.config import Calibration, ObjectRule
from slotlight.discovery.discoverer import Discoverer, Ready
from slotlight.discovery.discovery import Discovery
from slotlight.discovery.segments import cells_of, segment_objects
from slotlight.errors import CheckpointError, ConfigError
from slotlight.graphs.settings import SETTINGS, GraphSettings, named_hash

if TYPE_CHECKING:
    import onnxruntime

SUFFIX = ".onnx"
OUTPUTS = ("masks", "scores", "groups", "segments")

Segments = tuple[Float32[np.ndarray, " slot"], Int64[np.ndarray, " slot"], UInt8[np.ndarray, "height width"]]


class GraphDiscoverer(Discoverer):
    """Finds objects with an ONNX file; the rest of a `slotlight.discovery.Discoverer` is the same.

    Args:
        file: What `slotlight export` wrote.
        rule: Which scored slots become objects.

    Attributes:
        file: The same.
        settings: What the file says of itself.

    Raises:
        CheckpointError: The file is missing, damaged, or Slotlight did not write it.
        ConfigError: ONNX Runtime is not installed, or the rule asks for proposals.
    """

    def __init__(self, file: Path, *, rule: ObjectRule | None = None) -> None:
        self.file, rule = file, rule or ObjectRule()
        if rule.proposals:
            raise ConfigError(f"{file} finds objects that share the photograph; leave --proposals out.")
        if rule.tiles > 1:
            raise ConfigError(
                f"{file} looks at whole photographs; leave --tiles out, or give the model itself."
            )
        self._session, self.settings, self._hash = open_graph(file)
        self.rule = replace(rule, min_score=rule.least_score(self.calibration))

    @property
    def name(self) -> str:
        """The file's name."""
        return self.file.name

    @property
    def calibration(self) -> Calibration:
        """Of the model that was exported."""
        return self.settings.calibration

    def fingerprint(self) -> str:
        """The start of the file's own hash."""
        return self._hash[:16]

    def __getattr__(self, name: str) -> Any:
        if name == "segmenter":  # which measuring and training work with
            raise ConfigError(
                f"{self.file} only finds objects; for anything else give the model that it was exported from."
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def fitted(self, image: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "height width 3"]:
        """The photograph itself: the graph resizes it."""
        return image

    def _segment(self, ready: list[Ready], seed: int, pool: ThreadPoolExecutor) -> list[Future[Discovery]]:
        """Put photographs through the graph, one by one; what remains is done beside the next."""
        if seed != self.settings.seed:
            raise ConfigError(
                f"{self.file} was drawn with the seed {self.settings.seed}, not {seed}; export the model again with "
                f"--seed {seed}, or leave the seed at {self.settings.seed}."
            )
        return [pool.submit(self._finish_graph, photograph, self._run(photograph)) for photograph in ready]

    def _run(self, photograph: Ready) -> Segments:
        scores, groups, segments = self._session.run(OUTPUTS[1:], {"image": photograph.image})
        return scores, groups.astype(np.int64), segments  # the runtime's own 64 bits have another name

    def _finish_graph(self, photograph: Ready, found: Segments) -> Discovery:
        scores, groups, segments = found
        height, width = segments.shape
        objects = segment_objects(
            cells_of(segments), scores, groups, self.rule, (height, width), calibration=self.calibration
        )
        return photograph.discovery(objects)


def open_graph(file: Path) -> "tuple[onnxruntime.InferenceSession, GraphSettings, str]":
    """A session of an ONNX file, what the file says of itself, and its hash.

    Raises:
        CheckpointError: The file is missing, damaged, or Slotlight did not write it.
        ConfigError: ONNX Runtime is not installed.
    """
    content = _checked_content(file)
    try:
        import onnxruntime
    except ModuleNotFoundError as fault:
        raise ConfigError(
            f"{file} runs in ONNX Runtime, which is not installed; run pip install 'slotlight[onnx]'."
        ) from fault
    options: Any = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry("session.disable_quant_qdq", "1")  # weights of eight bits: to fp32, once
    named = named_hash(content)
    assert named is not None
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        settings = GraphSettings.decoded(session.get_modelmeta().custom_metadata_map[SETTINGS])
        _check_names(session)
    except (KeyError, ValueError) as fault:
        raise CheckpointError(
            f"{file} was not written by this version of Slotlight ({fault}); export the model again."
        ) from fault
    except Exception as fault:  # ONNX Runtime's errors have no common class of their own
        cause = str(fault).splitlines()[0][:160]
        raise CheckpointError(
            f"{file} cannot be run by this ONNX Runtime ({cause}); update onnxruntime, or export the model again."
        ) from fault
    return session, settings, named[0]


def _check_names(session: Any) -> None:
    given, found = ([one.name for one in ends] for ends in (session.get_inputs(), session.get_outputs()))
    if given != ["image"] or found != list(OUTPUTS):
        raise ValueError(f"it has {', '.join(given)} and {', '.join(found)}")


def _checked_content(file: Path) -> bytes:
    if not file.is_file():
        raise CheckpointError(f"There is no ONNX file {file}; write one with `slotlight export`.")
    try:
        content = file.read_bytes()
    except OSError as fault:
        raise CheckpointError(f"{file} cannot be read: {fault.strerror or fault}.") from fault
    named = named_hash(content)
    if named is None:
        raise CheckpointError(
            f"{file} is not an ONNX file that Slotlight wrote, or is truncated; write one with `slotlight export`."
        )
    if not named[1]:
        raise CheckpointError(f"{file} is damaged; copy it again from its source, or export the model again.")
    return content
