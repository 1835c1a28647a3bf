"""Backbones known by name."""

from dataclasses import dataclass


@dataclass(frozen=True)
class BackboneEntry:
    """A backbone known by name.

    Attributes:
        timm_name: The network and its pretrained weights, as timm calls them.
        million_params: Its size.
        licence: Of its weights.
    """

    timm_name: str
    million_params: float
    licence: str


EMBEDDED = "embedded"
EMBEDDED_MILLION_PARAMS = 9.3

BACKBONES: dict[str, BackboneEntry] = {
    "dino-vits16": BackboneEntry("vit_small_patch16_224.dino", 21.7, "Apache-2.0"),
    "dino-vits8": BackboneEntry("vit_small_patch8_224.dino", 21.7, "Apache-2.0"),
    "dino-vitb16": BackboneEntry("vit_base_patch16_224.dino", 85.8, "Apache-2.0"),
    "dino-vitb8": BackboneEntry("vit_base_patch8_224.dino", 85.8, "Apache-2.0"),
    "dinov2-vits14": BackboneEntry("vit_small_patch14_dinov2.lvd142m", 22.1, "Apache-2.0"),
    "dinov2-vits14-reg": BackboneEntry("vit_small_patch14_reg4_dinov2.lvd142m", 22.1, "Apache-2.0"),
    "dinov2-vitb14": BackboneEntry("vit_base_patch14_dinov2.lvd142m", 86.6, "Apache-2.0"),
    "dinov2-vitb14-reg": BackboneEntry("vit_base_patch14_reg4_dinov2.lvd142m", 86.6, "Apache-2.0"),
    "dinov3-vits16": BackboneEntry("vit_small_patch16_dinov3.lvd1689m", 21.6, "DINOv3 License"),
    "mae-vitb16": BackboneEntry("vit_base_patch16_224.mae", 85.8, "CC-BY-NC-4.0"),
}
