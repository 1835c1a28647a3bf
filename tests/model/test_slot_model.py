import pytest
import timm
import torch
from torch import Tensor

from slotlight.backbones import Backbone
from slotlight.config import DecoderConfig, MaskingConfig, ModelConfig, SlotConfig
from slotlight.model.assignment import Share, assign_heads
from slotlight.model.slot_model import build_slot_model
from tiny_slot_model import CPU, DIM, GRID, HEADS, SLOTS, make


def blobs(batch: int = 16, seed: int = 0) -> Tensor:
    """Features of images of four quarters, each of one of a few kinds."""
    generator = torch.Generator().manual_seed(seed)
    kinds = torch.randn(6, DIM, generator=generator)
    quarters = torch.stack([torch.randperm(6, generator=generator)[:4] for _ in range(batch)])
    image = quarters.view(batch, 2, 2).repeat_interleave(2, 1).repeat_interleave(3, 2)[:, :, : GRID[1]]
    return kinds[image].flatten(1, 2) + 0.05 * torch.randn(batch, 20, DIM, generator=generator)


class TestLoss:
    @pytest.mark.parametrize("adaptive", [False, True])
    def test_two_processes_learn_what_one_does(self, adaptive: bool) -> None:
        features, gradients = blobs(8), []
        for shares in ([Share()], [Share(0, 2), Share(1, 2)]):
            model = make(patch_share=0.5, adaptive=adaptive, masking=MaskingConfig(kind="random"))
            for share in shares:
                torch.manual_seed(5)  # each process draws the same
                (model.loss(share.of(features), share=share) / len(shares)).backward()
            gradients.append([weight.grad for weight in model.parameters() if weight.grad is not None])
        assert any(gradient.abs().max() > 1e-4 for gradient in gradients[0])
        torch.testing.assert_close(*gradients, rtol=1e-3, atol=1e-6)

    def test_equals_the_plain_computation(self) -> None:
        model, features = make(masking=MaskingConfig(kind="background", ratio=0.5)), blobs(6)
        torch.manual_seed(5)
        found = model.loss(features)
        torch.manual_seed(5)
        assigned = assign_heads(6, HEADS, CPU)
        noise = torch.randn(HEADS, 2, SLOTS, DIM)
        hidden = features.mean(dim=2).argsort(dim=1, descending=True)[:, :10]
        visible = features.scatter(1, hidden.unsqueeze(-1).expand(-1, -1, DIM), 0.0)
        losses = []
        for image, head, place in zip(assigned.image, assigned.head, assigned.place, strict=True):
            own = torch.zeros(HEADS, 1, SLOTS, DIM).index_put((head,), noise[head, place])
            projected = model.projection(visible[image : image + 1]).unsqueeze(0)
            slots = model.attention(projected, own).slots[head]
            decoded = model.decoder(slots, GRID).reconstruction
            losses.append((decoded - features[image]).square().mean())
        torch.testing.assert_close(found, torch.stack(losses).mean())

    def test_every_head_learns_at_one_step(self) -> None:
        model = make()
        model.loss(blobs(HEADS)).backward()
        for name, parameter in model.named_parameters():
            by_head = name.startswith("attention") and parameter.shape[0] == HEADS and parameter.ndim > 1
            parts = parameter.grad if by_head else [parameter.grad]
            assert all(part.abs().sum() > 0 for part in parts), name

    def test_a_batch_smaller_than_the_heads_reaches_every_head_in_time(self) -> None:
        model = make()
        seen = torch.zeros(HEADS)
        for _ in range(20):
            model.zero_grad()
            model.loss(blobs(1)).backward()
            touched = (model.attention.mu.grad.abs().sum(dim=1) > 0).float()
            assert touched.sum() == 1
            seen += touched
        assert (seen > 0).all()

    def test_the_target_is_detached_and_masked_patches_give_no_gradient(self) -> None:
        model = make(masking=MaskingConfig(ratio=0.5))
        features = blobs(4).requires_grad_()
        model.loss(features).backward()
        hidden = features.mean(dim=2).argsort(dim=1, descending=True)[:, :10]
        assert (features.grad.gather(1, hidden.unsqueeze(-1).expand(-1, -1, DIM)) == 0).all()
        assert (features.grad != 0).any()

    def test_with_no_slot_work_features_alone_give_no_gradient(self) -> None:
        model = make(masking=MaskingConfig(ratio=0.999))  # all masked: only the target is left to leak
        features = blobs(4).requires_grad_()
        model.loss(features).backward()
        assert (features.grad == 0).all()

    def test_a_share_of_the_patches_is_unbiased(self) -> None:
        features = blobs(8)
        some, whole = make(patch_share=0.25), make()
        with torch.no_grad():
            few = torch.stack([some.loss(features) for _ in range(100)])
            all_patches = torch.stack([whole.loss(features) for _ in range(40)])
        error = (few.var() / 100 + all_patches.var() / 40).sqrt()
        assert (few.mean() - all_patches.mean()).abs() < 4 * error

    @pytest.mark.parametrize("kind", ["mlp", "mixer"])
    def test_falls_on_a_toy_problem(self, kind: str) -> None:
        torch.manual_seed(0)
        config = ModelConfig(
            slots=SlotConfig(heads=2, slots=4, projection_hidden=32, mlp_hidden=32),
            decoder=DecoderConfig(kind=kind, hidden=48, layers=2),
            masking=MaskingConfig(kind="none"),
        )
        model, features = build_slot_model(config, DIM, GRID), blobs(32)
        optimizer = torch.optim.Adam(model.parameters(), 1e-2)
        losses = []
        for _ in range(80):
            optimizer.zero_grad()
            losses.append(model.loss(features))
            losses[-1].backward()
            optimizer.step()
        first, last = torch.stack(losses[:5]).mean(), torch.stack(losses[-5:]).mean()
        assert last < 0.75 * first
        assert last < 0.8 * (features - features.mean(dim=(0, 1))).square().mean()

    @pytest.mark.parametrize("kind", ["none", "background"])
    def test_takes_features_straight_from_a_backbone(self, kind: str) -> None:
        vit = timm.create_model(
            "vit_tiny_patch16_224", depth=1, embed_dim=DIM, num_heads=3, dynamic_img_size=True
        )
        features = Backbone("x", vit)(torch.rand(2, 3, 64, 80)).patches
        make(masking=MaskingConfig(kind=kind)).loss(features).backward()

    def test_in_half_precision(self) -> None:
        with torch.autocast("cpu", torch.bfloat16):
            loss = make().loss(blobs(4))
        loss.backward()
        assert loss.dtype == torch.float32
        assert loss.isfinite()


class TestSegment:
    @pytest.mark.parametrize("masks_from", ["decoder", "attention"])
    @pytest.mark.parametrize("fusion", ["hungarian", "greedy", "mean", "single"])
    def test_masks_sum_to_one_on_any_grid(self, fusion: str, masks_from: str) -> None:
        model = make(fusion=fusion, masks_from=masks_from)
        found = model.segment_features(torch.randn(2, 3 * 8, DIM), (3, 8))
        assert found.masks.shape == (2, SLOTS, 24)
        torch.testing.assert_close(found.masks.sum(dim=1), torch.ones(2, 24))
        assert found.agreement.abs().max() <= 1 + 1e-5

    def test_one_seed_one_result_whatever_the_batch(self) -> None:
        model, features = make(), blobs(5)
        whole = model.segment_features(features, GRID, seed=3)
        again = model.segment_features(features, GRID, seed=3)
        alone = model.segment_features(features[2:3], GRID, seed=3)
        assert torch.equal(whole.masks, again.masks)
        torch.testing.assert_close(whole.masks[2:3], alone.masks, atol=1e-5, rtol=1e-4)
        assert not torch.allclose(whole.masks, model.segment_features(features, GRID, seed=4).masks)

    def test_a_single_heads_attention_is_its_own(self) -> None:
        model, features = make(fusion="single", masks_from="attention"), blobs(2)
        found = model.segment_features(features, GRID, seed=1)
        noise = model.attention.noise(1, torch.Generator().manual_seed(1))
        alone = model.attention(model.projection(features).unsqueeze(0), noise)
        torch.testing.assert_close(found.masks, alone.attention[0])
        torch.testing.assert_close(found.slots, alone.slots[0])
