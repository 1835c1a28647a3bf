"""The recipe of the embedded backbone: right targets, the same weights whatever happens on the way."""

import json
import subprocess
import sys
from dataclasses import fields, replace
from importlib.resources import files
from pathlib import Path
from types import ModuleType

import pytest
import torch
from safetensors.torch import load_file

from slotlight.backbones import load_backbone

RECIPES = Path(__file__).parents[2] / "recipes"


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(RECIPES))
    import embedded_backbone

    return embedded_backbone


def tiny(recipe: ModuleType, steps: int):
    def short(how):
        return replace(how, steps=steps, batch=3, save_every=1)

    whole = recipe.Recipe()
    sides = {"decoded_side": 40, "backbone_sees": 48}
    return recipe.Recipe(
        **{f.name: short(getattr(whole, f.name)) for f in fields(whole) if f.name not in sides}, **sides
    )


@pytest.fixture
def photos() -> torch.Tensor:
    random = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (7, 40, 40, 3), dtype=torch.uint8, generator=random)


@pytest.mark.slow
def test_a_resumed_run_ends_with_the_weights_of_an_unbroken_one(recipe, photo_paths, tmp_path):
    recipe.train(photo_paths, tmp_path / "unbroken", tiny(recipe, 3))
    photos = recipe.decode_once(photo_paths, tmp_path / "p.npy", 40)
    for name, kind in (("contrast", recipe.CONVNET), ("autoencoding", recipe.VIT)):  # killed after a step
        how = getattr(tiny(recipe, 1), name)
        recipe.trained(recipe.new_network(kind, how.seed), how, photos, tmp_path / "broken" / name)
    recipe.train(photo_paths, tmp_path / "broken", tiny(recipe, 3))
    unbroken, broken = (
        load_file(tmp_path / name / "backbone.safetensors") for name in ("unbroken", "broken")
    )
    assert unbroken.keys() == broken.keys()
    assert all(torch.equal(unbroken[key], broken[key]) for key in unbroken)
    assert (tmp_path / "broken/contrast/logs/from_step_1/metrics.csv").exists()


def test_a_resumed_network_ends_with_the_weights_of_an_unbroken_one(recipe, photos, tmp_path):
    ended = {}
    for name, lengths in {"unbroken": (3,), "broken": (1, 3)}.items():  # killed after a step
        for steps in lengths:
            how = tiny(recipe, steps).contrast
            network = recipe.new_network(recipe.CONVNET, how.seed)
            ended[name] = recipe.trained(network, how, photos, tmp_path / name).state_dict()
    assert all(torch.equal(value, ended["broken"][key]) for key, value in ended["unbroken"].items())


def test_another_recipe_is_not_resumed(recipe, photo_paths, tmp_path):
    photos, how = recipe.decode_once(photo_paths, tmp_path / "p.npy", 40), tiny(recipe, 1).contrast
    recipe.trained(recipe.new_network(recipe.CONVNET, 0), how, photos, tmp_path)
    with pytest.raises(SystemExit, match="another recipe"):
        recipe.trained(
            recipe.new_network(recipe.CONVNET, 0), replace(how, steps=2, reach=0.3), photos, tmp_path
        )


@pytest.mark.slow
def test_the_result_is_what_the_package_loads(recipe, photo_paths, tmp_path):
    recipe.train(photo_paths, tmp_path, tiny(recipe, 1))
    card = json.loads((tmp_path / "backbone.json").read_text())
    backbone = load_backbone("embedded", weights=tmp_path / "backbone.safetensors")
    assert json.loads(files("slotlight").joinpath("pretrained/backbone.json").read_text()) == card
    features = backbone(torch.rand(1, 3, 64, 96))
    assert features.grid == (64 // card["patch_size"], 96 // card["patch_size"])
    assert features.patches.shape[-1] == card["dim"]


@torch.inference_mode()
def test_the_reduction_is_half_whitened_principal_components(recipe):
    from reduction import _hypercolumns, _maps, fit_reduction

    torch.manual_seed(0)
    network = recipe.new_network(recipe.CONVNET, 0).eval()
    photos = torch.randint(0, 256, (6, 64, 64, 3), dtype=torch.uint8)
    found = fit_reduction(network, photos, 8)
    hypercolumns = _hypercolumns(_maps(network, photos))
    features = hypercolumns @ found.weight.T + found.bias
    variances = features.var(0, correction=0)
    torch.testing.assert_close(features.mean(0), torch.zeros(8), atol=1e-3, rtol=0)
    torch.testing.assert_close(variances.mean(), torch.tensor(1.0), atol=1e-3, rtol=0)
    assert (variances.diff() <= 1e-4).all()
    correlation = features.T.corrcoef() - torch.eye(8)
    assert correlation.abs().max() < 1e-2


@pytest.mark.usefixtures("recipe")
def test_points_show_the_same_place_in_both_views():
    side = 64
    ramp = torch.linspace(0, 255, side).to(torch.uint8)
    photos = torch.stack(
        [ramp.expand(side, side), ramp[:, None].expand(side, side), torch.zeros(side, side)], -1
    )
    from photo_views import RandomViews, ViewSpec

    plain = ViewSpec(side=64, points=9, jitter=0, grey=0, blur=0)
    pair = RandomViews(photos[None].to(torch.uint8).repeat(8, 1, 1, 1), 8, 0, plain)[0]
    from neighbour_contrast import at_points
    from photo_views import MEAN, STD

    colours = at_points([pair.views.flatten(0, 1)], pair.points.flatten(0, 1)) * torch.tensor(
        STD
    ) + torch.tensor(MEAN)
    first, second = colours.chunk(2)
    torch.testing.assert_close(first, second, atol=0.02, rtol=0)
    torch.testing.assert_close(first[..., :2] * 2 - 1, pair.places, atol=0.04, rtol=0)


@pytest.mark.usefixtures("recipe")
def test_views_depend_on_seed_and_step_alone(photos):
    from photo_views import RandomViews, ViewSpec

    views = RandomViews(photos, 3, 5, ViewSpec(side=32))
    assert torch.equal(views[7].views, views[7].views)
    assert not torch.equal(views[7].views, views[8].views)
    other = RandomViews(photos, 3, 6, ViewSpec(side=32))
    assert not torch.equal(views[7].views, other[7].views)


@pytest.mark.usefixtures("recipe")
def test_places_look_as_they_are_told_to(photos):
    from photo_views import RandomViews, ViewSpec

    ramp = torch.linspace(-1, 1, 41)[1::2]  # the middles of 20 cells
    maps = torch.stack([ramp.expand(20, 20), ramp[:, None].expand(20, 20)]).expand(len(photos), -1, -1, -1)
    pair = RandomViews(photos, 3, 0, ViewSpec(side=32), maps)[0]
    inside = pair.places.abs().amax(-1) < 0.95  # beyond the last cell's middle nothing changes
    torch.testing.assert_close(pair.looks[inside], pair.places[inside])


@pytest.mark.usefixtures("recipe")
def test_own_features_are_directions_and_kept(tmp_path):
    from own_features import features_once, fingerprint

    torch.manual_seed(0)
    photos = torch.randint(0, 256, (5, 64, 64, 3), dtype=torch.uint8)
    network = recipe_network()
    looks = features_once([network], photos, photos, tmp_path / "looks.npy", relative=True)
    assert looks.shape == (5, 64, 8, 8)
    torch.testing.assert_close(looks.float().norm(dim=1), torch.ones(5, 8, 8), atol=2e-3, rtol=0)
    with torch.no_grad():
        next(network.parameters()).mul_(2)
    assert torch.equal(looks, features_once([network], photos, photos, tmp_path / "looks.npy", relative=True))
    assert fingerprint([network]) != fingerprint([recipe_network()])


@pytest.mark.usefixtures("recipe")
def test_what_is_seen_mirrored_too_is_the_same_in_the_mirror(tmp_path):
    from own_features import features_once

    torch.manual_seed(0)
    photos = torch.randint(0, 256, (5, 64, 64, 3), dtype=torch.uint8)
    both = torch.cat([photos, photos.flip(2)])
    looks = features_once([recipe_network()], both, photos, tmp_path / "looks.npy", dim=20, mirrored=True)
    assert looks.shape == (10, 20, 8, 8)
    torch.testing.assert_close(looks[:5], looks[5:].flip(3), atol=0.02, rtol=0)


@pytest.mark.usefixtures("recipe")
def test_a_student_that_sees_what_its_teachers_see_has_no_loss():
    from feature_distillation import FeatureDistillation
    from photo_views import ViewPair, at_points

    torch.manual_seed(0)
    student = FeatureDistillation(recipe_network().eval(), 5)
    places = torch.rand(2, 9, 2) * 2 - 1
    views = torch.randn(2, 3, 32, 32).expand(2, -1, -1, -1, -1)  # both views are the photograph itself
    with torch.no_grad():
        seen = student.to_teachers(at_points(student.network(views[0]), places))
        told, elsewhere = (
            student(ViewPair(views, places.expand(2, -1, -1, -1), places, looks))
            for looks in (seen, seen.roll(1, dims=1))
        )
    assert told < 1e-6
    assert elsewhere > 0.1


def recipe_network():
    import embedded_backbone

    return embedded_backbone.new_network(embedded_backbone.CONVNET, 0)


@pytest.mark.usefixtures("recipe")
def test_every_epoch_sees_a_photograph_at_most_once(photos):
    from photo_views import RandomViews, ViewSpec

    views = RandomViews(photos, 3, 0, ViewSpec(side=32))
    first, second, next_epoch = (views._chosen(step) for step in range(3))
    assert len(set(torch.cat([first, second]).tolist())) == 6
    assert sorted(next_epoch.tolist()) != sorted(first.tolist())


@pytest.mark.usefixtures("recipe")
@pytest.mark.parametrize("reach", [0.0, 0.1, 100.0])
def test_likeness_goes_from_one_point_to_a_whole_photograph(reach):
    from neighbour_contrast import likeness

    alike = likeness(pair_of(torch.zeros(3, 5, 3)), reach, 0.1, 0.05)
    same = torch.block_diag(*torch.ones(3, 5, 5)).bool()
    torch.testing.assert_close(alike.sum(1), torch.ones(15))
    assert (alike[~same] == 0).all()
    if reach == 0:
        assert torch.equal(alike, torch.eye(15))
    if reach == 100:
        torch.testing.assert_close(alike[same], torch.full((75,), 0.2), atol=1e-4, rtol=0)


@pytest.mark.usefixtures("recipe")
def test_points_of_other_colours_are_less_alike():
    from neighbour_contrast import likeness

    colours = torch.zeros(3, 5, 3)
    colours[:, 0] = 1
    with_colour, without = (likeness(pair_of(colours), 100.0, tone, 0.05) for tone in (0.1, float("inf")))
    assert (with_colour[0, 1:5] < 0.1).all()
    torch.testing.assert_close(without[0, :5], torch.full((5,), 0.2), atol=1e-4, rtol=0)


def pair_of(colours):
    from photo_views import ViewPair

    places = torch.rand(3, 5, 2, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return ViewPair(torch.zeros(2, 3, 3, 8, 8), places.expand(2, -1, -1, -1), places, colours)


@pytest.mark.slow
def test_the_command_explains_itself():
    command = [sys.executable, str(RECIPES / "embedded_backbone.py"), "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "--out" in shown
    assert "--again.tone" in shown


@pytest.mark.usefixtures("recipe")
def test_hold_then_fall_reaches_the_top_once_and_ends_at_zero() -> None:
    from pretraining import hold_then_fall

    found = [hold_then_fall(step + 1, 100 - step, warmup=10, fall=25) for step in range(101)]
    assert found[9:76] == [1] * 67
    assert found[:9] == pytest.approx([0.1 * step for step in range(1, 10)])
    assert found[-1] == 0
