"""The comparison of methods: every objective is what it says, every row is kept, equal cost is equal cost."""

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

RECIPES = Path(__file__).parents[2] / "recipes"


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The recipes importable; and torch's threads as they were, because the comparison takes one."""
    monkeypatch.syspath_prepend(str(RECIPES))
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def photos() -> torch.Tensor:
    drawn = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (6, 40, 40, 3), dtype=torch.uint8, generator=drawn)


@pytest.fixture
def voc(tmp_path: Path, photos: torch.Tensor) -> Path:
    """A devkit of six drawn photographs; the development fifth has two."""
    root = tmp_path / "VOCdevkit/VOC2012"
    for folder in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (root / folder).mkdir(parents=True)
    mask = np.zeros((40, 40), np.uint8)
    mask[10:30, 10:30] = 7
    for index, photo in enumerate(photos.numpy()):
        Image.fromarray(photo).save(root / f"JPEGImages/{index}.jpg")
        Image.fromarray(mask).save(root / f"SegmentationClass/{index}.png")
    (root / "ImageSets/Segmentation/val.txt").write_text("\n".join("012345") + "\n")
    return root.parent


def pair_of_views(batch: int = 2):
    from photo_views import RandomViews, ViewSpec

    drawn = torch.randint(0, 256, (batch, 100, 100, 3), dtype=torch.uint8)
    return RandomViews(drawn, batch, 0, ViewSpec())[0]


def pairs():
    sys.path.insert(0, str(RECIPES))
    from compare_training import PAIRS

    sys.path.remove(str(RECIPES))
    return PAIRS


@pytest.mark.parametrize("pair", pairs(), ids=lambda pair: pair.name)
def test_every_objective_teaches_its_network(pair):
    torch.manual_seed(0)
    random.seed(0)
    network = pair.architecture.build()
    objective = pair.method.objective(network)
    assert objective.network is network
    views = pair_of_views()
    rates = {"params": [w for w in objective.parameters() if w.requires_grad]}
    optimizer = torch.optim.AdamW([rates], 1e-3)
    losses = []
    for _ in range(6):
        torch.manual_seed(1)  # the same masks and windows, so that losses can be compared
        random.seed(1)
        loss = objective(views)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    without = [name for name, w in network.named_parameters() if w.requires_grad and w.grad is None]
    assert all("mask_token" in name or "cls_token" in name for name in without)
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("name", ["convnet", "plain_vit", "stem_vit"])
def test_networks_have_maps_of_stride_8_and_say_their_widths(name):
    import compare_networks

    network = getattr(compare_networks, name)().eval()
    maps = network(torch.rand(2, 3, 64, 96))
    assert maps[0].shape[-2:] == (8, 12)
    assert [m.shape[1] for m in maps] == network.feature_info.channels()
    assert compare_networks.summary(maps).shape == (2, compare_networks.width(network))


@torch.inference_mode()
def test_a_facet_is_read_where_the_network_says():
    from compare_networks import FacetMaps, StageMaps, convnet, plain_vit

    images = torch.rand(1, 3, 96, 64)
    vit = plain_vit().eval()
    torch.testing.assert_close(FacetMaps(vit, "token", -1)(images)[0], vit(images)[0])
    square = images[:, :, :64]
    torch.testing.assert_close(vit(square)[0].flatten(2).mT, vit.tokens(square)[:, 1:])
    assert not torch.allclose(FacetMaps(vit, "key", -1)(images)[0], vit(images)[0])
    network = convnet().eval()
    torch.testing.assert_close(StageMaps(network, 0)(images)[0], network(images)[0])
    assert StageMaps(network, 2)(images)[0].shape == (1, 256, 12, 8)


def test_masked_tokens_do_not_see_what_they_replace():
    from compare_networks import plain_vit

    torch.manual_seed(0)
    vit = plain_vit().eval()
    images = torch.rand(1, 3, 96, 96)
    changed = images.clone()
    changed[:, :, :8, :8] = 0  # the first patch
    mask = torch.zeros(1, 144, dtype=torch.bool)
    mask[:, 0] = True
    with torch.inference_mode():
        torch.testing.assert_close(vit.tokens(images, mask=mask), vit.tokens(changed, mask=mask))
        assert not torch.allclose(vit.tokens(images), vit.tokens(changed))
        kept = vit.tokens(images, keep=torch.tensor([[0, 5, 9]]))
    assert kept.shape == (1, 3, 128)


def test_the_teacher_follows_and_does_not_learn():
    from compare_networks import convnet
    from self_distillation import _MOMENTUM, SelfDistillation

    objective = SelfDistillation(convnet())
    assert not any(weight.requires_grad for weight in objective.teacher.parameters())
    student, teacher = next(objective.network.parameters()), next(objective.teacher.parameters())
    with torch.no_grad():
        student += 1
    before = teacher.clone()
    objective(pair_of_views()).backward()
    assert teacher.grad is None
    torch.testing.assert_close(
        teacher - before, (1 - _MOMENTUM) * torch.ones_like(teacher), atol=1e-5, rtol=0
    )


def test_windows_are_cut_from_their_views():
    from self_distillation import random_windows

    ramp = torch.arange(20.0).expand(20, 20)
    views = torch.stack([ramp, ramp.T, ramp * 0]).expand(5, 3, 20, 20)
    windows = random_windows(views, 8)
    corner = windows[:, :, :1, :1]
    steps = torch.arange(8.0)
    expected = corner + torch.stack([steps.expand(8, 8), steps[:, None].expand(8, 8), torch.zeros(8, 8)])
    torch.testing.assert_close(windows, expected)


def test_painting_is_measured_where_it_was_masked():
    from masked_autoencoder import standard_patches
    from masked_painting import square_mask

    torch.manual_seed(0)
    mask = square_mask(torch.rand(3, 3, 64, 64), 16, torch.tensor([[0.0], [0.6], [1.0]]))
    squares = mask.float().unfold(2, 16, 16).unfold(3, 16, 16).mean((-1, -2)).flatten(1)
    assert squares.unique().tolist() == [0, 1]
    assert squares.sum(1).tolist() == [0, 10, 16]
    patches = standard_patches(torch.rand(2, 3, 32, 32))
    assert patches.shape == (2, 16, 192)
    torch.testing.assert_close(patches.std(-1), torch.ones(2, 16), atol=0.02, rtol=0)


def test_cost_is_equal_and_the_seed_decides_the_result(photos):
    from compare_training import CONVNET, DENSE, Pair, train

    pair = Pair(DENSE, CONVNET)
    runs = [train(pair, photos, 0.5, seconds=1, seed=seed, bf16=False) for seed in (0, 0, 1)]
    first, second, other = (list(network.parameters()) for network, _ in runs)
    assert all(map(torch.equal, first, second))
    assert not all(map(torch.equal, first, other))
    cost = runs[0][1]
    assert (cost.steps, cost.views, cost.step_ms) == (2, 2 * 2 * len(photos), 500)


def test_a_finished_row_is_kept_and_not_taken_for_another(tmp_path):
    from compare_methods import Comparison, Row

    made = []

    def work(folder: Path) -> Row:
        made.append(folder)
        return Row("a row", {4: {"mIoU": 30.0, "mBO": 20.0, "CorLoc": 10.0}})

    comparison = Comparison(tmp_path, tmp_path, {"seconds": 1})
    first, second = (comparison.row("a row", work) for _ in range(2))
    assert first == second
    assert len(made) == 1
    assert first.quality == 25
    with pytest.raises(SystemExit, match="other settings"):
        Comparison(tmp_path, tmp_path, {"seconds": 2}).row("a row", work)


@pytest.mark.slow
def test_a_comparison_from_end_to_end(photo_paths, voc, tmp_path, monkeypatch):
    import compare_methods
    from compare_training import CONVNET, DENSE, MAE, PLAIN_VIT, Pair

    monkeypatch.setattr(compare_methods, "PAIRS", (Pair(DENSE, CONVNET), Pair(MAE, PLAIN_VIT)))
    monkeypatch.setattr(compare_methods, "ARCHITECTURES", (CONVNET,))
    out = tmp_path / "out"
    compare_methods.compare(photo_paths, voc, out, minutes=0.0001, bf16=False)
    table = (out / "table.md").read_text()
    lines = (out / "results.csv").read_text().splitlines()
    assert (
        len(lines) == 1 + 4 + 3 + 6
    )  # heading; floor, untrained, two pairs; stages; two facets of three blocks
    assert all(line.split('"')[1].split(", block")[0] in table for line in lines[1:] if '"' in line)
    before = {file: file.stat().st_mtime_ns for file in out.rglob("result.json")}
    compare_methods.compare(photo_paths, voc, out, minutes=0.0001, bf16=False)
    assert before == {file: file.stat().st_mtime_ns for file in out.rglob("result.json")}
    kept = json.loads((out / "colour-and-place/result.json").read_text())
    assert kept["figures"].keys() == {"4", "6"}


@pytest.mark.slow
@pytest.mark.parametrize("study", ["decoding", "masking"])
def test_ways_to_train_slots_side_by_side(study, photo_paths, voc, tmp_path, monkeypatch, capsys):
    import compare_slots

    ways = dict(list(compare_slots.STUDIES[study].items())[:2])
    monkeypatch.setitem(compare_slots.STUDIES, study, ways)
    for _ in range(2):
        compare_slots.compare(photo_paths, study, voc, tmp_path / "out", steps=1, seeds=2, bf16=False)
    told = capsys.readouterr().err.splitlines()
    assert all(told.count(f"{way}, seed 1, 1 steps") == 1 for way in ways)  # the second time all were there
    lines = (tmp_path / "out/table.md").read_text().splitlines()
    assert len(lines) == 2 + len(ways) + (study == "decoding")
    assert all(line.count("±") == 7 for line in lines[2:])


@pytest.mark.slow
def test_the_command_explains_itself():
    command = [sys.executable, str(RECIPES / "compare_methods.py"), "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "--voc" in shown
    assert "--minutes" in shown
