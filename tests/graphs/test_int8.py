"""Large weights in eight bits: a graph gives nearly the same, and its file is smaller."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from slotlight.graphs.int8 import quantised, with_int8_weights


def network() -> onnx.ModelProto:
    """A convolution, a product and a Gemm whose second factor is transposed, each with channels of unequal size."""
    rng = np.random.default_rng(0)

    def weight(*shape: int, axis: int) -> np.ndarray:
        sizes = [1] * len(shape)
        sizes[axis] = shape[axis]
        scale = 10.0 ** rng.uniform(-3, 1, sizes)
        return (rng.normal(size=shape) * scale).astype(np.float32)

    weights = {
        "conv": weight(64, 32, 3, 3, axis=0),
        "product": weight(64, 256, axis=1),
        "gemm": weight(128, 256, axis=0),
        "small": weight(8, 128, axis=0),
    }
    nodes = [
        helper.make_node("Conv", ["x", "conv"], ["a"]),
        helper.make_node("GlobalAveragePool", ["a"], ["b"]),
        helper.make_node("Flatten", ["b"], ["c"]),
        helper.make_node("MatMul", ["c", "product"], ["d"]),
        helper.make_node("Gemm", ["d", "gemm"], ["e"], transB=1),
        helper.make_node("Gemm", ["e", "small"], ["y"], transB=1),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "xacdey"]
    tensors = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "network", ends[:1], ends[1:], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def outputs(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    image = np.random.default_rng(1).normal(size=(2, 32, 9, 9)).astype(np.float32)
    return dict(zip("acdey", session.run(list("acdey"), {"x": image}), strict=True))


def test_each_channel_keeps_its_precision() -> None:
    model = network()
    before, size = outputs(model), len(model.SerializeToString())
    with_int8_weights(model)
    after = outputs(model)
    kept = {tensor.name: tensor.data_type for tensor in model.graph.initializer}
    assert {name for name, kind in kept.items() if kind == TensorProto.INT8} == {
        "conv.int8",
        "product.int8",
        "gemm.int8",
    }
    assert kept["small"] == TensorProto.FLOAT
    assert len(model.SerializeToString()) < 0.3 * size
    channels = before["a"].transpose(1, 0, 2, 3).reshape(64, -1)
    errors = (after["a"] - before["a"]).transpose(1, 0, 2, 3).reshape(64, -1)
    assert (np.abs(errors).mean(axis=1) / np.abs(channels).mean(axis=1)).max() < 0.02
    for name in "dey":
        assert np.abs(after[name] - before[name]).mean() < 0.02 * np.abs(before[name]).mean()


@pytest.mark.parametrize("axis", [0, 1])
def test_no_weight_moves_by_more_than_half_a_step(axis) -> None:
    weights = np.random.default_rng(2).normal(size=(5, 7)).astype(np.float32)
    whole, scales = quantised(weights, axis)
    scales = np.expand_dims(scales, 1 - axis)
    assert np.abs(whole * scales - weights).max() <= 0.5001 * scales.max()
    assert (np.abs(whole * scales - weights) <= 0.5001 * scales).all()
