from slotlight.backbones import load_backbone
from slotlight.baselines.voting import SIDE_PATCHES, load_voting
from slotlight.config import EMBEDDED, preset


def test_it_reads_the_backbone_at_its_own_patches_with_the_embedded_models_heuristics() -> None:
    segmenter = load_voting(load_backbone("embedded"), "bf16")
    assert segmenter.name == "voting@embedded"
    assert segmenter.image_size == SIDE_PATCHES * segmenter.patch_size
    assert segmenter.heuristics == preset(EMBEDDED)[0].heuristics
    assert segmenter.precision == "bf16"
