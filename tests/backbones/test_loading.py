import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from slotlight.backbones import load_backbone
from slotlight.config import EMBEDDED_MILLION_PARAMS
from slotlight.errors import UnknownNameError, WeightsError


class TestWrongUse:
    def test_unknown_name_with_the_nearest(self) -> None:
        with pytest.raises(UnknownNameError, match=r"'dino-vits61'; did you mean 'dino-vits16'"):
            load_backbone("dino-vits61")

    @pytest.mark.parametrize(
        ("name", "facet", "layer", "says"),
        [
            ("swin_tiny_patch4_window7_224", "key", -1, "not a ViT that can be truncated"),
            ("beit_base_patch16_224", "key", -1, "not a ViT that can be truncated"),
            ("swin_tiny_patch4_window7_224", "token", -1, "not give features of images of any size"),
            ("resnet18", "token", 9, "not give features of images of any size at layer 9"),
            ("vit_small_patch16_18x2_224", "key", -1, "use facet 'token'"),
        ],
    )
    def test_networks_that_do_not_fit(
        self, tmp_path: Path, name: str, facet: str, layer: int, says: str
    ) -> None:
        save_file({"weight": torch.zeros(1)}, tmp_path / "weights.safetensors")
        network_is_another = (
            "another network's"  # the file is one of nobody's: read after the network is made
        )
        with pytest.raises(WeightsError, match=f"{says}|{network_is_another}") as caught:
            load_backbone(name, weights=tmp_path / "weights.safetensors", facet=facet, layer=layer)
        assert "\n" not in str(caught.value)

    def test_a_tag_without_weights(self) -> None:
        with pytest.raises(WeightsError, match=r"no pretrained weights 'vit_small_patch16_224\.dinoo'"):
            load_backbone("vit_small_patch16_224.dinoo")

    @pytest.mark.parametrize("name", ["dino-vits16", "dinov3-vits16", "vit_tiny_patch16_224"])
    def test_a_hub_out_of_reach_is_one_sentence_at_once(
        self, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
        monkeypatch.setattr(
            "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE",
            "http://127.0.0.1:9/{repo_id}/resolve/{revision}/{filename}",
        )
        start = time.monotonic()
        with pytest.raises(WeightsError, match=r"hub cannot be reached .* --weights FILE\.$") as caught:
            load_backbone(name)
        assert time.monotonic() - start < 15
        assert "\n" not in str(caught.value)


class TestEmbedded:
    def test_its_facet_and_stages_are_fixed(self) -> None:
        assert load_backbone("embedded").facet == "token"
        with pytest.raises(WeightsError, match="are fixed"):
            load_backbone("embedded", facet="key")
        with pytest.raises(WeightsError, match="are fixed"):
            load_backbone("embedded", layer=2)

    def test_weights_kept_in_half_precision_compute_in_full(self) -> None:
        assert {weight.dtype for weight in load_backbone("embedded").parameters()} == {torch.float32}

    def test_it_is_no_larger_than_said(self) -> None:
        network = load_backbone("embedded").extract.network
        weights = sum(weight.numel() for weight in network.parameters())
        assert f"{weights / 1e6:.1f}" == f"{EMBEDDED_MILLION_PARAMS:.1f}"
