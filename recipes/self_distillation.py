"""Self-distillation: a student finds, in other views, the prototypes that its own running average finds.

DINO on any network of maps, on views and on windows cut from them; with the patches of a ViT as iBOT does: a
student that is shown a view with masked patches also finds what the teacher sees in those.
"""

import copy
from typing import Any

import torch
from jaxtyping import Bool, Float
from lightly.loss import DINOLoss, IBOTPatchLoss
from lightly.models.modules import DINOProjectionHead
from lightly.models.utils import random_block_mask, update_momentum
from torch import Tensor, nn

from compare_networks import PATCH, TokenMaps, summary, width
from photo_views import ViewPair

_PROTOTYPES, _HIDDEN, _BOTTLENECK = 1024, 512, 128
_MOMENTUM = 0.99  # of the teacher: a run has hundreds of steps, not a hundred thousand
_TEACHER_TEMPERATURE = 0.04
_WINDOW = 48  # side of a local view, in pixels


class SelfDistillation(nn.Module):
    """DINO: student and teacher, and the loss of a pair of views and a window of each.

    Source:
        Caron et al., "Emerging properties in self-supervised vision transformers", arXiv 2104.14294. Local views
        are windows of the global ones here, so they share their colours.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network: Any = network
        self.head = _head(width(network))
        self.teacher: Any = nn.ModuleList([copy.deepcopy(network), _head(width(network))])
        self.teacher.requires_grad_(False)
        self.teacher[1].load_state_dict(self.head.state_dict())
        self.loss = DINOLoss(_PROTOTYPES, teacher_temp=_TEACHER_TEMPERATURE)

    def forward(self, pair: ViewPair) -> Float[Tensor, ""]:
        """The loss over the photographs of a batch, in nats."""
        self._move_teacher()
        views = pair.views.flatten(0, 1)
        with torch.no_grad():
            targets = self.teacher[1](summary(self.teacher[0](views)))
        found = self.head(summary(self.network(views)))
        return self._between_views(targets, found, self._in_windows(views))

    def _move_teacher(self) -> None:
        update_momentum(nn.ModuleList([self.network, self.head]), self.teacher, _MOMENTUM)

    def _in_windows(self, views: Float[Tensor, "view 3 side side"]) -> Float[Tensor, "view prototype"]:
        logits: Tensor = self.head(summary(self.network(random_windows(views, _WINDOW))))
        return logits

    def _between_views(
        self,
        targets: Float[Tensor, "view prototype"],
        found: Float[Tensor, "view prototype"],
        local: Float[Tensor, "view prototype"],
    ) -> Float[Tensor, ""]:
        student = [*found.float().chunk(2), *local.float().chunk(2)]
        with torch.autocast(found.device.type, enabled=False):
            loss: Tensor = self.loss(list(targets.float().chunk(2)), student)
        return loss


class PatchDistillation(SelfDistillation):
    """iBOT: DINO of class tokens, and of the patches that are masked for the student; one head for both.

    Source:
        Zhou et al., "iBOT: image BERT pre-training with online tokenizer", arXiv 2111.07832.
    """

    def __init__(self, network: TokenMaps) -> None:
        super().__init__(network)
        self.patch_loss = IBOTPatchLoss(_PROTOTYPES, teacher_temp=_TEACHER_TEMPERATURE)

    def forward(self, pair: ViewPair) -> Float[Tensor, ""]:
        """The sum of both losses over the photographs of a batch, in nats."""
        self._move_teacher()
        views = pair.views.flatten(0, 1)
        side = views.shape[-1] // PATCH
        mask = random_block_mask((len(views), side, side), device=views.device)
        with torch.no_grad():
            target = self.teacher[0].tokens(views)
            target_class, target_patches = self._heads(self.teacher[1], target, mask)
        seen = self.network.tokens(views, mask=mask.flatten(1))
        found_class, found_patches = self._heads(self.head, seen, mask)
        with torch.autocast(views.device.type, enabled=False):
            patches: Tensor = self.patch_loss(target_patches.float(), found_patches.float(), mask)
        return self._between_views(target_class, found_class, self._in_windows(views)) + patches

    def _in_windows(self, views: Float[Tensor, "view 3 side side"]) -> Float[Tensor, "view prototype"]:
        logits: Tensor = self.head(self.network.tokens(random_windows(views, _WINDOW))[:, 0])
        return logits

    @staticmethod
    def _heads(
        head: nn.Module, tokens: Float[Tensor, "view token dim"], mask: Bool[Tensor, "view h w"]
    ) -> tuple[Float[Tensor, "view prototype"], Float[Tensor, "masked prototype"]]:
        return head(tokens[:, 0]), head(tokens[:, 1:][mask.flatten(1)])


def random_windows(
    views: Float[Tensor, "view 3 side side"], side: int
) -> Float[Tensor, "view 3 window window"]:
    """A square window of each view at a random place.

    Example:
        >>> random_windows(torch.rand(4, 3, 96, 96), 48).shape
        torch.Size([4, 3, 48, 48])
    """
    corners = torch.randint(views.shape[-1] - side + 1, (2, len(views), 1), device=views.device)
    rows, columns = corners + torch.arange(side, device=views.device)
    view = torch.arange(len(views), device=views.device)[:, None, None]
    return views[view, :, rows[:, :, None], columns[:, None]].movedim(-1, 1)


def _head(dim: int) -> DINOProjectionHead:
    return DINOProjectionHead(dim, _HIDDEN, _BOTTLENECK, _PROTOTYPES)
