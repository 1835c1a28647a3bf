"""Batch normalisation folded into the convolutions before it: the same features in one pass over memory less."""

import torch
from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights


@torch.no_grad()
def fold_batch_norms(network: nn.Module) -> int:
    """Fold each `BatchNorm2d` that alone reads a convolution into it; the network keeps its structure.

    In evaluation mode the two are one linear map. A network whose graph cannot be traced is left as it is.

    Args:
        network: In evaluation mode; changed in place.

    Returns:
        How many were folded.

    Example:
        >>> network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()).eval()
        >>> fold_batch_norms(network), network[1]
        (1, Identity())
    """
    try:
        nodes = list(fx.Tracer().trace(network).nodes)
    except Exception:  # tracing runs the network's own code, which may raise anything
        return 0
    called = [str(node.target) for node in nodes if node.op == "call_module"]
    folded = 0
    for node in nodes:
        before = node.args[0] if node.op == "call_module" and node.args else None
        if not isinstance(before, fx.Node) or before.op != "call_module" or len(before.users) != 1:
            continue
        convolution, norm = (network.get_submodule(str(n.target)) for n in (before, node))
        # A module that is called twice has another reader.
        once = called.count(str(before.target)) == called.count(str(node.target)) == 1
        if (
            once
            and type(convolution) is nn.Conv2d
            and type(norm) is nn.BatchNorm2d
            and norm.track_running_stats
        ):
            _fold(convolution, norm)
            network.set_submodule(str(node.target), nn.Identity())
            folded += 1
    return folded


def _fold(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
    mean, variance = norm.running_mean, norm.running_var
    assert mean is not None
    assert variance is not None
    convolution.weight, convolution.bias = fuse_conv_bn_weights(
        convolution.weight, convolution.bias, mean, variance, norm.eps, norm.weight, norm.bias
    )
