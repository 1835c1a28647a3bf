"""The embedded backbone, trained from nothing on photographs without a label, in one command.

    python recipes/embedded_backbone.py PHOTOS... --out runs/backbone

Four small networks learn from different tasks, one after the other; the first then goes on from what three of them
know, and a fifth learns what the ViT among them sees. Two students learn what these see. A last network, larger,
learns what all of them see, and is the backbone; its features are reduced to a few numbers. It may be killed at any
moment: the same command goes on from the last checkpoint and ends with the same weights.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import timm
import torch
import tyro
from jaxtyping import UInt8
from safetensors.torch import save_file
from torch import Tensor, nn

from compare_networks import PATCH, SIDE
from own_features import features_once, fingerprint
from photo_views import MEAN, STD, decode_once
from pretraining import (
    Autoencoding,
    Contrast,
    Distillation,
    Painting,
    Pretraining,
    Prototypes,
    pretrain,
)
from reduction import REDUCED, fit_reduction
from slotlight.backbones.truncation import FeatureConcatenation
from slotlight.images import find_photographs


def _convnet(stem: int, blocks: tuple[int, ...], channels: tuple[int, ...]) -> dict[str, Any]:
    shape = {"stem_width": stem, "layers": blocks, "channels": channels}
    return {"network": "resnet10t", "kwargs": {"features_only": True, "out_indices": (2, 3, 4), **shape}}


CONVNET = _convnet(16, (1, 2, 2, 2), (32, 64, 160, 320))
LARGE_CONVNET = _convnet(24, (1, 2, 3, 2), (48, 96, 224, 448))
VIT: dict[str, Any] = {
    "network": "vit_tiny_patch16_224",
    "kwargs": {
        "patch_size": PATCH,
        "img_size": SIDE,
        "embed_dim": 192,
        "depth": 5,
        "num_heads": 3,
        "num_classes": 0,
        "dynamic_img_size": True,
    },
}
_EVERY_PHOTO, _REDUCTION_SIDE = 19, 176  # what the reduction is found on: some photographs, and their side


@dataclass(frozen=True)
class Recipe:
    """All numbers.

    Attributes:
        contrast: How the first network is trained, a ConvNet.
        painting: How the second is, another ConvNet.
        autoencoding: How the third is, a ViT.
        again: How the first goes on once all three have been trained: now places count as alike when the features
            of the three are, not when their colours are.
        prototypes: How the fourth is trained, a ConvNet.
        copy: How the fifth is, a ConvNet that learns what the ViT sees.
        student: How a ConvNet is that learns what the four ConvNets see.
        student_of_all: How another one is, from what the ConvNets see and what the ViT does.
        backbone: How the backbone is, a large ConvNet, from what all six ConvNets see and what the ViT does.
        decoded_side: Side of the photographs that views are cut from, and that teachers look at.
        backbone_sees: Side of the photographs that the backbone's teachers look at.
    """

    contrast: Contrast = field(default_factory=Contrast)
    painting: Painting = field(default_factory=partial(Painting, steps=1000))
    autoencoding: Autoencoding = field(default_factory=partial(Autoencoding, steps=700))
    again: Contrast = field(
        default_factory=partial(Contrast, steps=900, learning_rate=1e-3, tone=0.45, stray=0)
    )
    prototypes: Prototypes = field(default_factory=partial(Prototypes, steps=700))
    copy: Distillation = field(default_factory=partial(Distillation, steps=900, seed=7))
    student: Distillation = field(default_factory=partial(Distillation, steps=1000, seed=11))
    student_of_all: Distillation = field(default_factory=partial(Distillation, steps=1000, seed=12, groups=2))
    backbone: Distillation = field(
        default_factory=lambda: Distillation(
            steps=2400,
            batch=32,
            seed=21,
            views=replace(Distillation().views, side=128, smallest_crop=0.2),
            groups=2,
            numbers=96,
            mirrored=True,
        )
    )
    decoded_side: int = 160
    backbone_sees: int = 224


def train(
    photos: tyro.conf.Positional[list[Path]],
    out: Path,
    recipe: Annotated[Recipe, tyro.conf.arg(name="")] = Recipe(),
    device: str = "cpu",
) -> None:
    """Train the networks and write backbone.safetensors and backbone.json.

    Args:
        photos: Folders or files.
        out: Where results go; checkpoints and curves to a folder there for each training.
        recipe: All numbers of the run.
        device: Where to train, in bfloat16; on a GPU the photographs lie in its memory.
    """
    out.mkdir(parents=True, exist_ok=True)
    paths = find_photographs(photos)
    images = decode_once(paths, out / f"photos{recipe.decoded_side}.npy", recipe.decoded_side).to(device)
    sample = decode_once(paths[::_EVERY_PHOTO], out / f"photos{_REDUCTION_SIDE}.npy", _REDUCTION_SIDE)
    contrast = new_network(CONVNET, recipe.contrast.seed)
    first = trained(contrast, recipe.contrast, images, out / "contrast")
    painting = new_network(CONVNET, recipe.painting.seed)
    trained(painting, recipe.painting, images, out / "painting")
    vit = new_network(VIT, recipe.autoencoding.seed)
    autoencoder = trained(vit, recipe.autoencoding, images, out / "autoencoding")
    networks = [contrast, painting, autoencoder.network]
    second = out / f"again-{fingerprint(networks)}"  # what was trained longer since makes other features
    looks = features_once(networks, images, sample, second / "looks.npy", relative=True)
    again = recipe.again.objective(contrast)
    again.load_state_dict(first.state_dict())
    pretrain(again, images, recipe.again, second, looks)
    prototypes = new_network(CONVNET, recipe.prototypes.seed)
    trained(prototypes, recipe.prototypes, images, out / "prototypes")
    of_vit = [autoencoder.network]
    copy = taught(recipe.copy, CONVNET, [of_vit], images, images, sample, out / "copy")
    convnets = [contrast, painting, prototypes, copy]
    student = taught(recipe.student, CONVNET, [convnets], images, images, sample, out / "student")
    of_all = [convnets, of_vit]
    student_of_all = taught(
        recipe.student_of_all, CONVNET, of_all, images, images, sample, out / "student-of-all"
    )
    fine = decode_once(paths, out / f"photos{recipe.backbone_sees}.npy", recipe.backbone_sees).to(device)
    of_all = [[*convnets, student, student_of_all], of_vit]
    export(
        taught(recipe.backbone, LARGE_CONVNET, of_all, images, fine, sample, out / "backbone"), sample, out
    )


def new_network(kind: dict[str, Any], seed: int) -> Any:
    """A timm network as it is born."""
    torch.manual_seed(seed)
    return timm.create_model(kind["network"], pretrained=False, **kind["kwargs"])


def trained(
    network: nn.Module, how: Pretraining, photos: UInt8[Tensor, "photo side side 3"], out: Path
) -> Any:
    """The objective that a network has been trained with."""
    objective = how.objective(network)
    pretrain(objective, photos, how, out)
    return objective


def taught(
    how: Distillation,
    kind: dict[str, Any],
    teachers: Sequence[Sequence[nn.Module]],
    photos: UInt8[Tensor, "photo side side 3"],
    looked_at: UInt8[Tensor, "photo side side 3"],
    sample: UInt8[Tensor, "some height width 3"],
    out: Path,
) -> nn.Module:
    """A new network that has learnt what groups of teachers see in photographs, of whatever side these look at.

    What is seen lies in a file for each group, the training in a folder for each state of the teachers.
    """
    folder = out.with_name(f"{out.name}-{fingerprint([network for group in teachers for network in group])}")
    way = f"-{looked_at.shape[1]}-{how.numbers}{'-mirrored' * how.mirrored}"  # teachers look in more than one
    seen = [
        features_once(
            group,
            looked_at,
            sample,
            out.with_name(f"seen-{fingerprint(group)}{way}.npy"),
            dim=how.numbers,
            mirrored=how.mirrored,
        )
        for group in teachers
    ]
    network: nn.Module = new_network(kind, how.seed)
    pretrain(how.objective(network), photos, how, folder, torch.cat(seen, dim=1))
    return network


def export(backbone: nn.Module, sample: UInt8[Tensor, "photo side side 3"], out: Path) -> None:
    """Write the large ConvNet as the package loads it: weights, how to build it, and how to reduce its features.

    Weights of convolutions are kept in half precision, and the features reduced are those of what is kept.
    """
    network = FeatureConcatenation([backbone]).eval().cpu()
    kept = {name: _halved(value) for name, value in network.state_dict().items()}
    network.load_state_dict(kept)
    reduction = fit_reduction(network, sample, REDUCED)
    kept |= {"reduction.weight": reduction.weight, "reduction.bias": reduction.bias}
    save_file(kept, out / "backbone.safetensors")
    card = {
        "networks": [LARGE_CONVNET],
        "patch_size": PATCH,
        "dim": REDUCED,
        "mean": MEAN,
        "std": STD,
        "image_size": 256,
    }
    (out / "backbone.json").write_text(json.dumps(card, indent=2) + "\n")


def _halved(weight: Tensor) -> Tensor:
    return (weight.half() if weight.ndim > 1 else weight).contiguous()


if __name__ == "__main__":
    tyro.cli(train)
