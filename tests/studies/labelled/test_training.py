"""Heads learn what they are shown, from nothing else, and end in the same bytes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import timm
import torch

from slotlight.backbones import Backbone
from slotlight.config import BackboneConfig, ModelConfig, TrainConfig
from slotlight.datasets import LabelKind, SyntheticDataset
from slotlight.errors import CheckpointError, UnknownNameError
from slotlight.studies.labelled.heads import LabelHead
from slotlight.studies.labelled.lessons import CELLS, Lesson, read_lesson
from slotlight.studies.labelled.training import load_head, train_head

GRID, MODEL = (4, 4), ModelConfig(backbone=BackboneConfig(image_size=64))
TRAINING = TrainConfig(steps=30, batch_size=4, learning_rate=2e-2)


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    torch.manual_seed(0)
    vit = timm.create_model(
        "vit_tiny_patch16_224", embed_dim=24, depth=1, num_classes=0, dynamic_img_size=True
    )
    return Backbone("a random ViT", vit)


@pytest.fixture(scope="module")
def lesson(backbone: Backbone) -> Lesson:
    """Patches whose first numbers tell their class, but for a corner that is void."""
    classes = torch.from_numpy(np.random.default_rng(0).integers(0, 3, (8, 16)))
    features = 0.2 * torch.randn(8, 16, backbone.dim, generator=torch.Generator().manual_seed(0))
    features[..., :3] += 3 * torch.nn.functional.one_hot(classes, 3)
    labels = classes.view(8, 1, *GRID).float()
    fine = torch.nn.functional.interpolate(labels, scale_factor=CELLS)[:, 0].to(torch.uint8)
    fine[:, :CELLS, :CELLS] = 255
    return Lesson(features.half(), fine, GRID)


@pytest.mark.parametrize("kind", ["linear", "mask"])
def test_a_head_learns_what_it_is_shown(
    kind: str, lesson: Lesson, backbone: Backbone, tmp_path: Path
) -> None:
    steps: list[int] = []
    for folder in ("one", "again"):
        train_head(lesson, kind, tmp_path / folder, TRAINING, backbone, steps.append)
    train_head(lesson, kind, tmp_path / "other", replace(TRAINING, seed=1), backbone)
    one, again, other = (
        (tmp_path / name / "head.safetensors").read_bytes() for name in ("one", "again", "other")
    )
    assert one == again != other
    assert steps == [*range(1, 31)] * 2
    head = load_head(tmp_path / "one", name="head", backbone=backbone, model=MODEL).head
    found = head(lesson.features.float(), GRID)
    fine = torch.nn.functional.interpolate(found, lesson.labels.shape[1:], mode="nearest").argmax(1)
    known = lesson.labels != 255
    assert (fine == lesson.labels)[known].float().mean() > 0.9


def test_damage_and_other_features_are_refused(lesson: Lesson, backbone: Backbone, tmp_path: Path) -> None:
    train_head(lesson, "linear", tmp_path, replace(TRAINING, steps=1), backbone)
    vit = timm.create_model("vit_tiny_patch16_224", num_classes=0, depth=1, dynamic_img_size=True)
    with pytest.raises(CheckpointError, match="trained on other features"):
        load_head(tmp_path, name="head", backbone=Backbone("another", vit), model=MODEL)
    (tmp_path / "head.safetensors").write_bytes(b"damaged")
    with pytest.raises(CheckpointError, match="it is trained again"):
        load_head(tmp_path, name="head", backbone=backbone, model=MODEL)
    with pytest.raises(UnknownNameError, match="did you mean 'linear'"):
        LabelHead("lineal", 4, 2)


def test_a_photograph_without_any_label_teaches_nothing(
    lesson: Lesson, backbone: Backbone, tmp_path: Path
) -> None:
    void = replace(lesson, labels=torch.full_like(lesson.labels, 255))
    train_head(void, "linear", tmp_path, replace(TRAINING, steps=3), backbone)
    head = load_head(tmp_path, name="head", backbone=backbone, model=MODEL).head
    assert all(weight.isfinite().all() for weight in head.state_dict().values())


@pytest.mark.parametrize("kind", [LabelKind.CLASSES, LabelKind.FOREGROUND, LabelKind.INSTANCES])
def test_a_lesson_has_the_photographs_and_their_labels(kind: LabelKind, backbone: Backbone) -> None:
    scenes = SyntheticDataset(count=3, height=96, width=64, label_kinds=frozenset({kind}))
    lesson = read_lesson(scenes, backbone, image_size=64, precision="fp32")
    assert lesson.features.shape == (3, 16, backbone.dim)
    truth = [
        scenes[place].read_labels(frozenset(LabelKind)).squashed((96, 64), (16, 16)) for place in range(3)
    ]
    expected = [one.classes if kind is LabelKind.CLASSES else one.foreground for one in truth]
    assert np.array_equal(
        lesson.labels.numpy(), np.stack([labels for labels in expected if labels is not None])
    )
