"""What trained networks see in every photograph: what the next network learns from."""

import copy
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Float16, UInt8
from rich.progress import track
from torch import Tensor, nn

from reduction import REDUCED, fit_reduction
from slotlight.backbones import Backbone
from slotlight.backbones.truncation import FeatureConcatenation
from slotlight.files import whole_file

_NAME, _BATCH = "own features", 32


@torch.inference_mode()
def features_once(
    networks: Sequence[nn.Module],
    photos: UInt8[Tensor, "photo side side 3"],
    sample: UInt8[Tensor, "some height width 3"],
    file: Path,
    *,
    dim: int = REDUCED,
    relative: bool = False,
    mirrored: bool = False,
) -> Float16[Tensor, "photo dim rows columns"]:
    """The reduced features of networks side by side, from `file` where an earlier run left them there.

    Args:
        networks: They are left as they are.
        photos: All photographs.
        sample: Some of them, that the reduction is found on.
        file: Where the features are kept.
        dim: Numbers in a feature.
        relative: Whether features are centred in every photograph and brought to length one, so that a distance of
            two places says how far they differ among what is in their photograph.
        mirrored: Whether features are averaged with those of the mirrored photograph.
    """
    if not file.exists():
        network = _copied(networks).to(photos.device).eval()
        reduction = fit_reduction(network, sample.to(photos.device), dim)
        backbone = Backbone(_NAME, network, facet="token", reduction=reduction).to(photos.device)
        size = tuple(side // backbone.patch_size for side in photos.shape[1:3])
        with whole_file(file) as partial:
            looks = np.lib.format.open_memmap(partial, "w+", np.float16, (len(photos), backbone.dim, *size))
            for start in track(range(0, len(photos), _BATCH), "Features"):
                images = photos[start : start + _BATCH].permute(0, 3, 1, 2).float() / 255
                found = _seen(backbone, images)
                if mirrored:
                    found = (found + _seen(backbone, images.flip(3)).flip(3)) / 2
                if relative:
                    found = F.normalize(found - found.mean(dim=(2, 3), keepdim=True), dim=1)
                looks[start : start + _BATCH] = found.half().cpu().numpy()
            looks.flush()
    return torch.from_numpy(np.load(file, mmap_mode="c"))


def fingerprint(networks: Sequence[nn.Module]) -> str:
    """A hash of all weights."""
    return Backbone(_NAME, _copied(networks), facet="token").fingerprint()[:8]


def _seen(
    backbone: Backbone, images: Float[Tensor, "batch 3 height width"]
) -> Float[Tensor, "batch dim rows columns"]:
    with torch.autocast(images.device.type, torch.bfloat16):
        found = backbone(images.contiguous(memory_format=torch.channels_last))
    maps: Tensor = found.patches.float().mT.unflatten(2, found.grid)
    return maps


def _copied(networks: Sequence[nn.Module]) -> FeatureConcatenation:
    """The networks side by side; copies, because a backbone freezes what it is given and these learn on."""
    return FeatureConcatenation(copy.deepcopy(list(networks)))
