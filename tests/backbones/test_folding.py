import timm
import torch
from torch import nn

from slotlight.backbones import Backbone
from slotlight.backbones.folding import fold_batch_norms


def with_statistics(network: nn.Module) -> nn.Module:
    """Batch normalisation that does something."""
    torch.manual_seed(0)
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm2d):
            for values, low in ((norm.weight, 0.5), (norm.bias, -0.5), (norm.running_mean, -0.5)):
                nn.init.uniform_(values, low, low + 1)
            nn.init.uniform_(norm.running_var, 0.5, 2)
    return network.eval()


@torch.inference_mode()
def test_features_stay_and_the_norms_are_gone():
    network = with_statistics(timm.create_model("resnet10t", features_only=True, out_indices=(2, 3)))
    images = torch.rand(2, 3, 64, 96)
    expected = network(images)
    assert fold_batch_norms(network) == 11
    assert not any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    for found, before in zip(network(images), expected, strict=True):
        torch.testing.assert_close(found, before)


class Shared(nn.Module):
    """The convolution's output is read twice, so that nothing may be folded into it."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.norm = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found = self.convolution(x)
        return found + self.norm(found)


class Twice(nn.Module):
    """The convolution is run twice."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.norm = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(self.convolution(self.convolution(x)))


class Untraceable(Shared):
    """What it does depends on its input."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(self.convolution(x)) if x.sum() > 0 else x


@torch.inference_mode()
def test_what_must_not_be_folded_is_left():
    images = torch.rand(1, 3, 8, 8)
    for kind in (Shared, Twice, Untraceable):
        network = with_statistics(kind())
        expected = network(images)
        assert fold_batch_norms(network) == 0
        assert torch.equal(network(images), expected)


def test_the_fingerprint_is_of_the_weights_as_they_were():
    networks = [timm.create_model("resnet10t", features_only=True, out_indices=(2,)) for _ in range(2)]
    networks[1].load_state_dict(networks[0].state_dict())
    folded = Backbone("x", networks[0], facet="token").fingerprint()
    fold_batch_norms(networks[1].eval())
    assert folded != Backbone("x", networks[1], facet="token").fingerprint()
