"""Small timm ViTs with random weights, for tests."""

import timm
import torch
from torch import Tensor, nn

SMALL = {"depth": 3, "embed_dim": 48, "num_heads": 3, "num_classes": 0, "dynamic_img_size": True}


def scrambled(network: nn.Module) -> nn.Module:
    """Random weights everywhere, biases and scales too, so that leaving one out shows."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in network.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(0.3 * noise if parameter.ndim < 2 else noise * parameter[0].numel() ** -0.5)
    return network.eval()


def small_vit(name: str = "vit_small_patch16_224.dino", **kwargs: object) -> nn.Module:
    return scrambled(timm.create_model(name, pretrained=False, **(SMALL | kwargs)))


def normalised(images: Tensor) -> Tensor:
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    return (images - mean.view(3, 1, 1)) / std.view(3, 1, 1)
