"""What a study begins with, by what its command line names."""

import inspect

import pytest

from slotlight.cli.study import study_command
from slotlight.cli.train import full_options


@pytest.mark.parametrize(
    ("options", "preset", "backbone"),
    [
        ("", "study", "embedded"),
        ("--backbone embedded", "study", "embedded"),
        ("--weights dino_deitsmall16_pretrain.pth", "paper", "dino-vits16"),
        ("--backbone dino-vits16", "paper", "dino-vits16"),
        (
            "--backbone dino-vitb8 --weights dino.pth",
            "paper",
            "dino-vits16",
        ),  # whose name the option then replaces
        ("--backbone dinov2-vits14 --weights vits14.safetensors", "study", "dino-vits16"),
        ("--preset study --weights dino.pth --backbone dino-vits16", "study", "dino-vits16"),
    ],
)
def test_dino_s_weights_are_studied_at_the_paper_s_size(options: str, preset: str, backbone: str) -> None:
    command = study_command(full_options(["masking", *options.split()]))
    defaults = {name: value.default for name, value in inspect.signature(command).parameters.items()}
    assert defaults["preset"] == preset
    assert defaults["model"].backbone.name == backbone
    assert defaults["training"].steps == (490_000 if preset == "paper" else 3000)


def test_without_a_name_the_questions_are_listed(run):
    status, said, err = run("study")
    assert (status, err) == (0, "")
    for name in ("masking", "heads", "matching"):
        assert name in said


def test_what_cannot_be_studied_is_one_sentence(run, tmp_path):
    for arguments, says in (
        (("maskin",), "did you mean 'masking'"),
        (("masking", "--seeds", "0"), "seeds is 0; it must be at least"),
    ):
        status, _, err = run("study", *arguments, "--out", tmp_path / "out")
        assert (status, err.count("\n")) == (2, 1)
        assert says in err
    assert not (tmp_path / "out").exists()
