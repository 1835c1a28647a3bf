"""The authors' released code as it stands, to be timed beside ours; it is never copied, only imported from a checkout.

Get it from https://github.com/rishavpramanik/maskedmultiqueryslot and name its folder in ``SLOTLIGHT_AUTHORS``. Three
things are done to it, none of which touches what it computes: DINO's architecture (the file in their checkout) gets
random weights, because the path of the pretrained ones is their cluster's; a missing ``torchtyping``, which only
annotates, is replaced by an empty stand-in; and Lightning around the step is left out, in their favour.
"""

import os
import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

VARIABLE = "SLOTLIGHT_AUTHORS"
BATCH = 4
"""Images of a step, as in their ``params.py``."""


def checkout() -> Path | None:
    """Where their code lies, if that is named."""
    return Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None


@cache
def model() -> Any:
    """Their ``PatchModel`` at the sizes of their ``params.py``: 7 slots, 8 heads, masking 0.7; 320 × 320 pixels."""
    folder = checkout()
    if folder is None or not (folder / "model2.py").is_file():
        sys.exit(f"Set {VARIABLE} to a checkout of the authors' repository (the folder of model2.py).")
    sys.path.insert(0, str(folder))
    if not find_spec("torchtyping"):
        sys.modules["torchtyping"] = _annotations_alone("torchtyping")
    load, vit = import_module("datas.load"), import_module("datas.vision_transformer")
    load.DinoFeatExtractor.load_dino_backbone = lambda self: vit.__dict__[self.arch](
        patch_size=self.patch_size, num_classes=0
    )
    torch.manual_seed(0)
    params = import_module("params").SlotAttentionParams()
    return import_module("model2").PatchModel(
        num_slots=params.num_slots,
        num_iterations=params.num_iterations,
        slot_size=384,
        masking=params.masking_ratio,
    )


def training_step(images: Tensor) -> Callable[[], None]:
    """Their optimiser step on normalised photographs (batch, 3, 320, 320), as in their ``method2.py``."""
    net = model()
    optimiser = torch.optim.Adam(net.parameters(), lr=4e-4)

    def step() -> None:
        net.train()
        optimiser.zero_grad()
        loss = net.loss_function(images, images)["loss"]
        loss.item()  # they log it at every step
        loss.backward()
        optimiser.step()

    return step


def inference(images: Tensor) -> Tensor:
    """Their slots' masks for normalised photographs, as in their ``test.py``: (batch, slot, 320, 320)."""
    net = model().eval()
    with torch.no_grad():
        masks: Tensor = net(images, images)[2]
    return masks


def _annotations_alone(name: str) -> ModuleType:
    class TensorType:
        def __class_getitem__(cls, _: Any) -> type:
            return cls

    module = ModuleType(name)
    module.TensorType = TensorType  # type: ignore[attr-defined]
    return module
