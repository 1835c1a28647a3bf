"""The batched heads against one head alone, written plainly with torch's own layers."""

import itertools

import pytest
import torch
from torch import Tensor, nn

from slotlight.model.slot_attention import HeadGRUCell, HeadLinear, HeadSlots, MultiQuerySlotAttention

HEADS, SLOTS, DIM, BATCH, PATCHES = 3, 4, 16, 5, 30


def attention_module(gru_state: str = "slots", **kwargs: int) -> MultiQuerySlotAttention:
    torch.manual_seed(0)
    module = MultiQuerySlotAttention(
        DIM, heads=HEADS, slots=SLOTS, mlp_hidden=24, gru_state=gru_state, **kwargs
    ).double()
    with torch.no_grad():  # away from the neutral values that layer norms start with
        for parameter in module.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return module


def inputs(noisy: int = BATCH) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    features = torch.randn(BATCH, PATCHES, DIM, generator=generator, dtype=torch.float64)
    return features, torch.randn(HEADS, noisy, SLOTS, DIM, generator=generator, dtype=torch.float64)


def linear(weight: Tensor, bias: Tensor | None) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, dtype=torch.float64)
    layer.weight.data = weight
    if bias is not None:
        layer.bias.data = bias
    return layer


def one_head(
    module: MultiQuerySlotAttention, head: int, features: Tensor, noise: Tensor
) -> tuple[Tensor, Tensor]:
    """Algorithm 1 of Slot Attention for one head and one image; noise (slot, dim), features (patch, dim)."""
    norm_slots, norm_mlp = nn.LayerNorm(DIM, dtype=torch.float64), nn.LayerNorm(DIM, dtype=torch.float64)
    norm_slots.weight.data, norm_slots.bias.data = (
        module.norm_slots.weight[head],
        module.norm_slots.bias[head],
    )
    norm_mlp.weight.data, norm_mlp.bias.data = module.norm_mlp.weight[head], module.norm_mlp.bias[head]
    query = linear(module.to_query.weight[head], None)
    gru = nn.GRUCell(DIM, DIM, dtype=torch.float64)
    gru.weight_ih.data, gru.bias_ih.data = module.gru.input.weight[head], module.gru.input.bias[head]
    gru.weight_hh.data, gru.bias_hh.data = module.gru.hidden.weight[head], module.gru.hidden.bias[head]
    widen = linear(module.mlp[0].weight[head], module.mlp[0].bias[head])
    narrow = linear(module.mlp[2].weight[head], module.mlp[2].bias[head])
    normed = module.norm_inputs(features)
    keys, values = module.to_key(normed), module.to_value(normed)
    slots = module.mu[head] + module.log_sigma[head].exp() * noise
    for _ in range(module.iterations):
        normed_slots = norm_slots(slots)
        attention = torch.softmax(query(normed_slots) @ keys.T * DIM**-0.5, dim=0)
        weights = (attention + 1e-8) / (attention + 1e-8).sum(dim=1, keepdim=True)
        slots = gru(weights @ values, slots if module.gru_state == "slots" else normed_slots)
        slots = slots + narrow(torch.relu(widen(norm_mlp(slots))))
    return slots, attention


@pytest.mark.parametrize("iterations", [1, 3])
@pytest.mark.parametrize("gru_state", ["slots", "normalised"])
def test_a_batched_head_equals_the_same_head_alone(gru_state: str, iterations: int) -> None:
    module = attention_module(gru_state, iterations=iterations)
    features, noise = inputs()
    found = module(features.unsqueeze(0), noise)
    for head, image in itertools.product(range(HEADS), range(BATCH)):
        slots, attention = one_head(module, head, features[image], noise[head, image])
        torch.testing.assert_close(found.slots[head, image], slots)
        torch.testing.assert_close(found.attention[head, image], attention)


def test_the_gru_equals_torchs() -> None:
    cell, plain = HeadGRUCell(1, DIM), nn.GRUCell(DIM, DIM)
    names = {"weight_ih": "input.weight", "bias_ih": "input.bias"}
    names |= {"weight_hh": "hidden.weight", "bias_hh": "hidden.bias"}
    cell.load_state_dict({names[name]: value.unsqueeze(0) for name, value in plain.state_dict().items()})
    x, state = torch.randn(2, 7, DIM)
    torch.testing.assert_close(cell(x.unsqueeze(0), state.unsqueeze(0))[0], plain(x, state))


@pytest.mark.parametrize("bias", [True, False])
def test_gradients_of_a_layer_used_several_times_are_those_of_a_plain_product(bias: bool) -> None:
    layer = HeadLinear(HEADS, DIM, 5, bias=bias).double()
    x = torch.randn(HEADS, 7, DIM, dtype=torch.float64, requires_grad=True)

    def nested(use, rows: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
        once = use(rows).sin()
        unread = use(rows * 2)  # gets no gradient, and must leave none
        return use(torch.cat([once, rows[..., 5:]], dim=-1)).square().sum() + 0 * unread.detach().sum()

    def plain(rows: Tensor) -> Tensor:
        product = torch.einsum("hri,hoi->hro", rows, layer.weight)
        return product + layer.bias[:, None] if bias else product

    wanted = [x, *layer.parameters()]
    expected = torch.autograd.grad(nested(plain, x), wanted)
    loss = nested(layer.begin(), x)
    for _ in range(2):  # a graph that is kept gives the same again
        found = torch.autograd.grad(loss, wanted, retain_graph=True)
        for one, other in zip(found, expected, strict=True):
            torch.testing.assert_close(one, other)


def test_half_precision_keeps_the_weights_gradients_in_full_and_near() -> None:
    module, (features, noise) = attention_module().float(), inputs()
    gradients = []
    for half in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            slots = module(features.unsqueeze(0).float(), noise.float()).slots
        gradients.append(torch.autograd.grad(slots.square().sum(), list(module.parameters())))
    for exact, rough in zip(*gradients, strict=True):
        assert rough.dtype == torch.float32
        if (
            exact.norm() > 1e-3
        ):  # that of the slots' shift is nothing but rounding: the softmax does not see it
            assert torch.nn.functional.cosine_similarity(rough.flatten(), exact.flatten(), dim=0) > 0.98


@pytest.mark.parametrize("gru_state", ["slots", "normalised"])
def test_dealt_groups_equal_the_shared_batch(gru_state: str) -> None:
    module = attention_module(gru_state)
    features, noise = inputs()
    shared = module(features.unsqueeze(0), noise)
    dealt = torch.tensor([[0, 3], [4, 1], [2, 2]])  # (head, place)
    rows = torch.arange(HEADS).unsqueeze(1)
    found = module(features[dealt], noise[rows, dealt])
    torch.testing.assert_close(found.slots, shared.slots[rows, dealt])
    torch.testing.assert_close(found.attention, shared.attention[rows, dealt])


def test_gradients_of_dealt_groups_equal_those_of_the_shared_batch() -> None:
    module = attention_module()
    features, noise = inputs()
    dealt, rows = torch.tensor([[0], [4], [2]]), torch.arange(HEADS).unsqueeze(1)
    parameters = list(module.parameters())
    shared = module(features.unsqueeze(0), noise).slots[rows, dealt].square().sum()
    alone = module(features[dealt], noise[rows, dealt]).slots.square().sum()
    for one, other in zip(
        torch.autograd.grad(shared, parameters), torch.autograd.grad(alone, parameters), strict=True
    ):
        torch.testing.assert_close(one, other)


def test_permuting_the_noise_permutes_the_slots() -> None:
    module = attention_module()
    features, noise = inputs()
    order = torch.randperm(SLOTS)
    found, permuted = module(features.unsqueeze(0), noise), module(features.unsqueeze(0), noise[:, :, order])
    torch.testing.assert_close(permuted.slots, found.slots[:, :, order])
    torch.testing.assert_close(permuted.attention, found.attention[:, :, order])


def test_permuting_the_patches_changes_no_slot() -> None:
    module = attention_module()
    features, noise = inputs()
    order = torch.randperm(PATCHES)
    found, permuted = module(features.unsqueeze(0), noise), module(features[:, order].unsqueeze(0), noise)
    torch.testing.assert_close(permuted.slots, found.slots)
    torch.testing.assert_close(permuted.attention, found.attention[..., order])


def test_heads_never_see_each_other() -> None:
    module = attention_module()
    features, noise = inputs()
    before = module(features.unsqueeze(0), noise).slots
    with torch.no_grad():
        module.mu[1] += 1
        module.gru.input.weight[1] *= 2
    after = module(features.unsqueeze(0), noise).slots
    torch.testing.assert_close(after[[0, 2]], before[[0, 2]])
    assert not torch.allclose(after[1], before[1])


def test_one_draw_of_noise_serves_every_image_and_none_depends_on_its_batch() -> None:
    module = attention_module()
    features, noise = inputs(noisy=1)
    found = module(features.unsqueeze(0), noise)
    torch.testing.assert_close(
        found.slots, module(features.unsqueeze(0), noise.expand(-1, BATCH, -1, -1)).slots
    )
    torch.testing.assert_close(found.slots[:, 2:3], module(features[2:3].unsqueeze(0), noise).slots)


def test_attention_sums_to_one_over_slots() -> None:
    features, noise = inputs()
    found: HeadSlots = attention_module()(features.unsqueeze(0), noise)
    torch.testing.assert_close(found.attention.sum(dim=2), torch.ones_like(found.attention[:, :, 0]))


def test_noise_depends_on_the_seed_alone() -> None:
    module = attention_module()
    first, again, other = (module.noise(2, torch.Generator().manual_seed(seed)) for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.shape == (HEADS, 2, SLOTS, DIM)


def test_half_precision_keeps_the_slots_in_full_and_near() -> None:
    module, (features, noise) = attention_module().float(), inputs()
    exact = module(features.unsqueeze(0).float(), noise.float()).slots
    with torch.autocast("cpu", torch.bfloat16):
        rough = module(features.unsqueeze(0).float(), noise.float()).slots
    assert rough.dtype == torch.float32
    assert torch.nn.functional.cosine_similarity(rough, exact, dim=-1).min() > 0.99


class TestQueriesFromPatches:
    def test_slots_begin_in_patches_of_their_own_photograph(self):
        torch.manual_seed(0)
        module = MultiQuerySlotAttention(8, heads=3, slots=4, mlp_hidden=16, queries="patches")
        torch.nn.init.zeros_(module.mu)
        features = torch.randn(1, 2, 20, 8)
        noise = module.noise(1, torch.Generator().manual_seed(0))
        assert noise.shape == (3, 1, 4)
        start = module._around_mean(features, noise)
        patches = torch.nn.functional.layer_norm(features[0], (8,)) / 2
        distances = torch.cdist(start, patches.expand(3, -1, -1, -1))
        torch.testing.assert_close(distances.amin(-1), torch.zeros(3, 2, 4), atol=1e-3, rtol=0)
        picked = distances.argmin(-1)
        assert all(len(set(row.tolist())) == 4 for row in picked.flatten(0, 1))
        assert not torch.equal(picked[0], picked[1])  # each head draws its own

    def test_an_image_does_not_depend_on_its_batch(self):
        torch.manual_seed(0)
        module = MultiQuerySlotAttention(8, heads=3, slots=4, mlp_hidden=16, queries="patches")
        features, noise = torch.randn(1, 2, 20, 8), module.noise(1, torch.Generator().manual_seed(0))
        together, alone = module(features, noise), module(features[:, 1:], noise)
        torch.testing.assert_close(together.slots[:, 1:], alone.slots)

    def test_all_that_learns_has_a_gradient(self):
        module = MultiQuerySlotAttention(8, heads=2, slots=4, mlp_hidden=16, queries="patches")
        module(torch.randn(2, 3, 20, 8), module.noise(3)).slots.square().sum().backward()
        learning = {name for name, value in module.named_parameters() if value.requires_grad}
        assert "log_sigma" not in learning
        assert all(value.grad is not None for name, value in module.named_parameters() if name in learning)
