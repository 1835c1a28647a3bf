"""A graph in the form that `slotlight export` writes, made by hand: what is red is an object."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from slotlight.graphs.settings import SETTINGS, SHA256, UNKNOWN, GraphSettings, with_hash


def red_graph(settings: str | None = None, *, reads: str = "image") -> bytes:
    """An ONNX file whose slot 1, of score 0.9, wins every pixel with more than 127 of red."""
    constants = {
        "zero": np.array(0, np.int64),
        "half": np.array(127, np.uint8),
        "scores": np.array([0.0, 0.9], np.float32),
        "groups": np.array([0, 1], np.int64),
        "masks": np.zeros((2, 1, 1), np.float32),
    }
    nodes = [
        helper.make_node("Gather", [reads, "zero"], ["red"], axis=2),
        helper.make_node("Greater", ["red", "half"], ["is_red"]),
        helper.make_node("Cast", ["is_red"], ["segments"], to=TensorProto.UINT8),
    ]
    outputs = [
        helper.make_tensor_value_info("masks", TensorProto.FLOAT, [2, 1, 1]),
        helper.make_tensor_value_info("scores", TensorProto.FLOAT, [2]),
        helper.make_tensor_value_info("groups", TensorProto.INT64, [2]),
        helper.make_tensor_value_info("segments", TensorProto.UINT8, ["height", "width"]),
    ]
    given = helper.make_tensor_value_info(reads, TensorProto.UINT8, ["height", "width", 3])
    tensors = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    model = helper.make_model(
        helper.make_graph(nodes, "red", [given], outputs, tensors),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=10,
    )
    own = GraphSettings("red", "f00d", 0, "0.1.0").encoded()
    for key, value in ((SETTINGS, settings or own), (SHA256, UNKNOWN)):
        model.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(model)
    return with_hash(model.SerializeToString())


def write_red_graph(folder: Path) -> Path:
    """The same in a file."""
    (folder / "red.onnx").write_bytes(red_graph())
    return folder / "red.onnx"
