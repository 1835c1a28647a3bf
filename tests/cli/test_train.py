import torch

import slotlight
from commands import found_images


def test_train_then_discover(run, photo_paths, tmp_path):
    model = tmp_path / "model"
    args = ("--steps", "4", "--batch-size", "4", "--image-size", "96", "--slots", "4", "--heads", "2")
    status, out, _ = run("train", *photo_paths, "--out", model, *args)
    assert status == 0
    assert f"--model {model}" in out
    status, _, _ = run("discover", *photo_paths, "--out", tmp_path / "out", "--model", model)
    assert status == 0
    assert len(found_images(tmp_path / "out")) == 4


def test_slots_that_learn_a_partition(run, photo_paths, tmp_path):
    model, shared = tmp_path / "model", tmp_path / "features"
    args = (
        "--preset",
        "partition",
        "--backbone",
        "embedded",
        "--image-size",
        "96",
        "--slots",
        "4",
        "--cache",
        shared,
    )
    short = ("--steps", "2", "--batch-size", "4", "--heads", "2")
    status, out, _ = run("train", *photo_paths, "--out", model, *args, *short)
    assert status == 0
    assert f"--model {model}" in out
    assert list(shared.glob("*/features.f16"))
    assert not (model / "features").exists()
    segmenter = slotlight.load(model, device="cpu").segmenter
    image = torch.rand(1, 3, 96, 96)
    features = segmenter.backbone(image)
    scaled = segmenter.model.standardise(features.patches)
    assert segmenter.model.standardise.mean.abs().max() > 0
    assert scaled.std() != features.patches.std()
    for control in segmenter.controls():  # read what the slots read
        assert control.segment(image).masks.shape == (1, 4, 12, 12)
    untrained = segmenter.controls()[-1].model
    assert torch.equal(untrained.standardise.mean, segmenter.model.standardise.mean)
