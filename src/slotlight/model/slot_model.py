"""The parts composed: features → slots → masks; training on features, segmenting photographs."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from slotlight.config import ModelConfig, with_ranking
from slotlight.model.agreement import agreement_loss
from slotlight.model.alignment import LearnedAlignment
from slotlight.model.assignment import ALONE, HeadAssignment, Share, assign_heads
from slotlight.model.decoder import Decoder, kept
from slotlight.model.decoders import build_decoder
from slotlight.model.foreground import foreground_map, with_foreground
from slotlight.model.fusion import FusedSlots, fuse
from slotlight.model.kmeans_init import start_as_kmeans
from slotlight.model.masking import masked_patches
from slotlight.model.partition import normalised_cut, partition_loss
from slotlight.model.patch_graph import node_side, pooled, with_diffusion
from slotlight.model.positions import Grid
from slotlight.model.slot_attention import MultiQuerySlotAttention
from slotlight.model.slot_count import SlotCount
from slotlight.model.slot_method import HeadSlots, SlotMethod
from slotlight.model.standardise import Standardise


@dataclass(frozen=True)
class FusedMasks:
    """One set of slots an image, and what each covers.

    Attributes:
        slots: The fused slots.
        masks: How much of each patch belongs to each slot; sums to one over slots.
        agreement: How far the heads agree on each slot: a mean cosine similarity.
        foreground: How much each patch is foreground, of `slotlight.model.foreground.foreground_map`.
        features: What the slots were found in: the backbone's, standardised where the model does so, and the foreground
            map where it is one of them.
    """

    slots: Float[Tensor, "batch slot dim"]
    masks: Float[Tensor, "batch slot patch"]
    agreement: Float[Tensor, "batch slot"]
    foreground: Float[Tensor, "batch rows columns"]
    features: Float[Tensor, "batch patch wider"]


@dataclass(frozen=True)
class Drawn:
    """What is drawn once for all photographs.

    Attributes:
        noise: Of the initial slots; see `slotlight.model.slot_attention.MultiQuerySlotAttention.noise`.
        reference: The head whose order of slots is kept; None leaves it to `slotlight.model.fusion.fuse`.
    """

    noise: Float[Tensor, "head 1 slot *dim"]
    reference: int | None


class SlotModel(nn.Module):
    """Everything that learns: projection, multi-query slots, decoder; before them the scale of the features.

    Source: arXiv 2404.19654, figure 2.

    Example:
        >>> from slotlight.config import DecoderConfig, ModelConfig
        >>> model = build_slot_model(ModelConfig(decoder=DecoderConfig(hidden=32)), dim=24, grid=(5, 5))
        >>> features = torch.randn(4, 25, 24)
        >>> model.loss(features).shape, model.segment_features(features, (5, 5)).masks.shape
        (torch.Size([]), torch.Size([4, 7, 25]))
    """

    def __init__(
        self,
        config: ModelConfig,
        standardise: nn.Module,
        projection: nn.Module,
        attention: SlotMethod,
        decoder: Decoder,
        alignment: LearnedAlignment | None = None,
        count: SlotCount | None = None,
    ) -> None:
        super().__init__()
        self.config, self.standardise, self.projection = config, standardise, projection
        self.attention, self.decoder, self.alignment, self.count = attention, decoder, alignment, count

    @property
    def grid(self) -> Grid:
        """The patch grid that it is trained on."""
        return self.decoder.positions.grid

    def loss(
        self,
        features: Float[Tensor, "batch patch dim"],
        labels: Int64[Tensor, "batch patch"] | None = None,
        share: Share = ALONE,
    ) -> Float[Tensor, ""]:
        """Mean squared error between reconstructed and given features, over the decoded patches.

        The slots see masked features, the target is unmasked and detached; each image trains one head. With the
        objective ``partition`` it is the cross entropy of the slots' attention with the photograph's normalised cut.
        With ``distillation`` and ``agreement`` a cross entropy is added: with given labels, or with what the heads
        agree on. With ``alignment`` the slots of all heads are fused before they are decoded.

        Args:
            features: The backbone's.
            labels: The teacher's slot of every patch, for the objective ``distillation``.
            share: The part of a larger batch that these features are.
        """
        if features.is_inference():  # which autograd cannot save
            features = features.clone()
        features, grid, side = self.standardise(features), self.grid, self._node_side
        if self.config.objective == "partition":  # a finer grid than the cut's has nothing more to learn from
            features, grid = pooled(features, grid, side)
            side = 1
        foreground = self._map_for_training(features, grid)
        wide = self._with_foreground(features, foreground)
        seen = with_diffusion(wide, grid, side, self.config)
        masked = masked_patches(features, foreground, self.config.masking, share)
        visible = self.projection(seen if masked is None else seen.masked_fill(masked.unsqueeze(-1), 0.0))
        if self.alignment is not None:
            found = self.attention(visible.unsqueeze(0), self._noise_of_each(visible, share))
            fused = self._fuse(found.slots, self._reference_head(0)).slots
            return self._reconstruction_error(fused, seen, share, share.places(len(seen), seen.device))
        assigned = assign_heads(len(features), self.attention.heads, features.device, share)
        found, mine = self._attend(visible, assigned, share)
        if (
            self.config.objective == "partition"
        ):  # its graph is in fp64; the walk's, in fp32, takes 1 % of a step
            labels = normalised_cut(wide, grid, self.config)
        loss = self._taught(found, labels, masked, assigned.image, mine)
        if self.config.objective != "partition":
            error = self._reconstruction_error(found.slots[mine], seen[assigned.image], share, assigned.pair)
            loss = error + self.config.pseudo_label_weight * loss
        if self.attention.preheat is not None:
            loss = loss + F.mse_loss(found.queries[mine], found.slots[mine].detach())
        return loss

    def _attend(
        self, visible: Float[Tensor, "batch patch wider"], assigned: HeadAssignment, share: Share
    ) -> tuple[HeadSlots, tuple[Int64[Tensor, " batch"], Int64[Tensor, " batch"]]]:
        """Each head in its images, or in all where the heads are to agree; and where each image's own head is."""
        if self.config.objective == "agreement":
            every = self.attention(visible.unsqueeze(0), self._noise_of_each(visible, share))
            return every, (assigned.head, assigned.image)
        found = self.attention(visible[assigned.table], self.attention.noise(assigned.table.shape[1]))
        return found, (assigned.head, assigned.place)

    def _noise_of_each(
        self, visible: Float[Tensor, "batch patch wider"], share: Share
    ) -> Float[Tensor, "head batch slot *dim"]:
        """Where every head sees every image."""
        return share.of(self.attention.noise(len(visible) * share.world), dim=1)

    def _taught(
        self,
        found: HeadSlots,
        labels: Int64[Tensor, "batch patch"] | None,
        masked: Bool[Tensor, "batch patch"] | None,
        image: Int64[Tensor, " batch"],
        mine: tuple[Int64[Tensor, " batch"], Int64[Tensor, " batch"]],
    ) -> Float[Tensor, ""]:
        """The cross entropy of the slots' attention with labels, or with what the heads agree on; else 0."""
        if self.config.objective == "agreement":
            return agreement_loss(found.attention.float(), masked)
        if labels is None:
            return found.slots.new_zeros(())
        hidden = None if masked is None else masked[image]
        return partition_loss(found.attention[mine].float(), labels[image], hidden)

    def _reconstruction_error(
        self,
        slots: Float[Tensor, "batch slot wider"],
        seen: Float[Tensor, "batch patch wider"],
        share: Share,
        places: Int64[Tensor, " batch"],
    ) -> Float[Tensor, ""]:
        target, patches = seen.detach(), self._decoded_patches(seen)
        keep, likely = (None, None) if self.count is None else self.count.sample(slots, share, places)
        decoded = self.decoder(slots, self.grid, patches, target=target, keep=keep)
        error = F.mse_loss(decoded.reconstruction, target if patches is None else target[:, patches])
        return error if likely is None else error + self.config.slots.slot_cost * likely.mean()

    def segment_features(
        self, features: Float[Tensor, "batch patch dim"], grid: Grid, *, seed: int = 0
    ) -> FusedMasks:
        """Find the slots of unmasked features with every head, and merge them.

        The slots' initial noise is one draw for all images, so that an image's result depends on the seed
        alone, not on its batch.
        """
        return self.segment_from(features, grid, self.draw(seed))

    def draw(self, seed: int) -> Drawn:
        """All that a seed decides of what is found in photographs."""
        return Drawn(self.attention.noise(1, torch.Generator().manual_seed(seed)), self._reference_head(seed))

    def segment_from(
        self, features: Float[Tensor, "batch patch dim"], grid: Grid, drawn: Drawn
    ) -> FusedMasks:
        """As `segment_features`, from what was drawn before."""
        features = self.standardise(features)
        foreground = foreground_map(features, grid, self.config.heuristics)
        features = self._with_foreground(features, foreground)
        read = with_diffusion(features, grid, self._node_side, self.config)
        found = self.attention(self.projection(read).unsqueeze(0), drawn.noise)
        fused = self._fuse(found.slots, drawn.reference)
        keep = None if self.count is None else self.count(fused.slots)
        if self.config.masks_from == "attention":
            masks = kept(fused.gather(found.attention), keep)
        else:
            masks = self.decoder.masks(fused.slots, grid, target=read, keep=keep)
        return FusedMasks(fused.slots, masks, fused.agreement, foreground, features)

    def _fuse(self, slots: Float[Tensor, "head batch slot wider"], reference: int | None) -> FusedSlots:
        if self.alignment is not None:
            learned: FusedSlots = self.alignment(slots, reference=reference)
            return learned
        return fuse(slots, self.config.fusion, reference=reference)

    def _reference_head(self, seed: int) -> int | None:
        """The head whose order of slots is kept; None leaves it to `fuse`, which asks all heads."""
        if self.config.reference == "drawn":
            return int(torch.randint(self.attention.heads, (), generator=torch.Generator().manual_seed(seed)))
        return 0 if self.config.reference == "first" else None

    @property
    def _node_side(self) -> int:
        """Patches along a side of the graph's nodes, whatever the size of a photograph."""
        return node_side(self.grid)

    def _map_for_training(
        self, features: Float[Tensor, "batch patch dim"], grid: Grid
    ) -> Float[Tensor, "batch rows columns"] | None:
        """The foreground map, where masking or the slots read it."""
        masking, heuristics = self.config.masking, self.config.heuristics
        masks_by_it = masking.kind == "background" and masking.ranking == "foreground"
        if masks_by_it or heuristics.foreground_weight > 0:
            return foreground_map(features, grid, heuristics)
        return None

    def _with_foreground(
        self,
        features: Float[Tensor, "batch patch dim"],
        foreground: Float[Tensor, "batch rows columns"] | None,
    ) -> Float[Tensor, "batch patch wider"]:
        """What the slots see: the features, and the foreground map where it is one of them."""
        if foreground is None:
            return features
        return with_foreground(features, foreground, self.config.heuristics.foreground_weight)

    def _decoded_patches(
        self, features: Float[Tensor, "batch patch dim"]
    ) -> Int64[Tensor, " decoded"] | None:
        count, share = features.shape[1], self.config.decoder.patch_share
        if share == 1:
            return None
        return torch.randperm(count, device=features.device)[: max(1, round(count * share))]


def build_slot_model(config: ModelConfig, dim: int, grid: Grid) -> SlotModel:
    """Turn a config into an untrained model for features of ``dim`` dimensions on ``grid``."""
    config = with_ranking(config)
    standardise = Standardise(dim) if config.standardise else nn.Identity()
    dim = dim + 1 if config.heuristics.foreground_weight else dim
    dim = 2 * dim if config.diffusion_steps else dim
    hidden = config.slots.projection_hidden or 2 * dim
    widen, narrow = nn.Linear(dim, hidden), nn.Linear(hidden, dim)
    attention = MultiQuerySlotAttention(
        dim,
        heads=config.slots.heads,
        slots=config.slots.slots,
        iterations=config.slots.iterations,
        mlp_hidden=config.slots.mlp_hidden,
        gru_state=config.slots.gru_state,
        queries=config.slots.queries,
    )
    if config.slots.start == "kmeans":
        start_as_kmeans(widen, narrow, attention, config.slots.start_sharpness)
    projection = nn.Sequential(widen, nn.LeakyReLU(), narrow)
    decoder = build_decoder(config.decoder, dim, grid).requires_grad_(config.objective != "partition")
    count = SlotCount(dim) if config.slots.adaptive else None
    model = SlotModel(config, standardise, projection, attention, decoder, count=count)
    if config.objective == "alignment":
        model.requires_grad_(False).alignment = LearnedAlignment(dim)
    return model
