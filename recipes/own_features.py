"""What trained networks see in every photograph: what places look like in the next round of training."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float16, UInt8
from rich.progress import track
from torch import Tensor, nn

from photo_views import normalise
from reduction import fit_reduction
from slotlight.cut_networks import ConvFeatures, SideBySide

_DIM, _BATCH = 64, 32


@torch.inference_mode()
def features_once(
    networks: Sequence[nn.Module],
    photos: UInt8[Tensor, "photo side side 3"],
    sample: UInt8[Tensor, "some height width 3"],
    file: Path,
) -> Float16[Tensor, "photo dim rows columns"]:
    """The reduced features of networks side by side, from `file` where an earlier run left them there.

    Centred in every photograph and brought to length one, so that a distance of two places says how far they differ
    among what is in their photograph.
    """
    if not file.exists():
        file.parent.mkdir(exist_ok=True)
        network = SideBySide(networks).to(photos.device).eval()
        reduction = fit_reduction(network, sample.to(photos.device), _DIM)
        columns = ConvFeatures(network, network.feature_info.channels(), reduction)
        step = network.feature_info.reduction()[0]
        size = (photos.shape[1] // step, photos.shape[2] // step)
        partial = file.with_suffix(".partial.npy")
        looks = np.lib.format.open_memmap(partial, "w+", np.float16, (len(photos), _DIM, *size))
        for start in track(range(0, len(photos), _BATCH), "Features"):
            images = normalise(photos[start : start + _BATCH].permute(0, 3, 1, 2).float() / 255)
            images = images.contiguous(memory_format=torch.channels_last)
            with torch.autocast(photos.device.type, torch.bfloat16):
                found = columns(images).float()
            found = F.normalize(found - found.mean(dim=1, keepdim=True), dim=-1)
            looks[start : start + _BATCH] = found.mT.unflatten(2, size).half().cpu().numpy()
        looks.flush()
        partial.replace(file)
    return torch.from_numpy(np.load(file, mmap_mode="c"))


def fingerprint(networks: Sequence[nn.Module]) -> str:
    """A hash of all weights."""
    digest = hashlib.sha256()
    for weight in nn.ModuleList(networks).state_dict().values():
        digest.update(weight.cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:8]
