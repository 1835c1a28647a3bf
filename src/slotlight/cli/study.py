"""``slotlight study``: a question of the paper → a page with the answer. Every field of the configs can be set."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from tyro.conf import OmitArgPrefixes, Positional, arg

from slotlight.cli.train import PresetName, defaults_of, value_of
from slotlight.config import EMBEDDED, BackboneConfig, ModelConfig, TrainConfig
from slotlight.config.data import DatasetSource
from slotlight.studies import STUDIES, find_study
from slotlight.studies.options import StudyOptions

_DINO = "dino-vits16"
_SIDE = 224
"""Pixels along a side for backbones but the embedded one: some 250 patches, as that has."""


def study_command(arguments: Sequence[str]) -> Callable[..., int]:
    """The command with the defaults of the preset and backbone that its arguments name."""
    named, weights = (value_of(arguments, f"--backbone.{part}") for part in ("name", "weights"))
    # Weights alone are DINO's ViT-S/16, because the embedded backbone takes none.
    backbone = named or (_DINO if weights else EMBEDDED)
    # The paper's own features are studied at its full size.
    usual = "paper" if backbone.startswith("dino-") else "study"
    chosen, model_default, training_default = defaults_of(arguments, usual, usual)
    if backbone != EMBEDDED == model_default.backbone.name:
        model_default = replace(model_default, backbone=BackboneConfig(image_size=_SIDE))

    def study(
        name: Positional[str] = "",
        paths: Positional[tuple[str, ...]] = (),
        *,
        source: OmitArgPrefixes[DatasetSource] = DatasetSource("synthetic"),  # noqa: B008
        out: Path | None = None,
        options: OmitArgPrefixes[StudyOptions] = StudyOptions(),  # noqa: B008
        preset: PresetName = chosen,  # type: ignore[assignment]  # noqa: ARG001
        model: Annotated[ModelConfig, arg(name="")] = model_default,
        training: TrainConfig = training_default,
        device: str = "auto",
        start_over: bool = False,
    ) -> int:
        """Answer one of the paper's questions for a backbone and photographs; without a NAME, list the questions.

        Trains every arm several times on PATHS, without a label, measures all of them on DATA, and writes
        OUT/report.html, OUT/report.md, OUT/report.json and OUT/per_image.csv. The same command, run again, resumes
        where it stopped. Options of the model and its training are those of `slotlight train`, short forms too.

        Args:
            name: Of a study.
            paths: Photographs, folders or "globs" to train on; without any, drawn scenes.
            source: What is measured on.
            out: The folder to write to; by default studies/NAME, or studies/NAME-quick with --quick.
            options: How large the study is.
            preset: Where all other defaults come from: study for short trainings of the paper's method; paper for its
                full size, which is the default for DINO's backbones, and for --weights without --backbone.
            model: What every arm begins with.
            training: How every arm is trained.
            device: auto, cpu, cuda, mps, ...
            start_over: Delete the results of an earlier run in OUT first.
        """
        if not name:
            return _list_studies()
        find_study(name)  # before torch is imported
        import shlex
        import sys

        from slotlight.datasets import open_dataset
        from slotlight.devices import pick_device
        from slotlight.studies.answer import answers, claim_verdict
        from slotlight.studies.run import study as run

        home = out or Path("studies") / (f"{name}-quick" if options.quick else name)
        result = run(
            name,
            paths,
            open_dataset(source),
            out=home,
            model=model,
            training=training,
            options=options,
            device=pick_device(device),
            start_over=start_over,
            command=shlex.join(["slotlight", *sys.argv[1:]]),
        )
        print(f"{result.study.name}: {result.study.question}")
        for sentence in answers(result):
            print(f"- {sentence}")
        print(f"{result.study.claim} {claim_verdict(result)}")
        print(f"Plots, tables, tests and photographs: {home / 'report.html'}")
        return 0

    return study


def _list_studies() -> int:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Studies (slotlight study NAME)", title_justify="left")
    table.add_column("name", no_wrap=True)
    table.add_column("asks")
    for name, study in STUDIES.items():
        table.add_row(name, study.question)
    Console().print(table)
    return 0
