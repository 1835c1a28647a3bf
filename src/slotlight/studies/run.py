"""A study from its name to its folder: what it needs is trained and measured, and what it found is written.

One run in a folder of its own. Killed at any moment, the same command goes on: finished trainings and measured
photographs stay, a training goes on after its last saved step, and the end is the same, byte by byte.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from slotlight.backbones import Backbone, load_chosen
from slotlight.config import ModelConfig, TrainConfig, preset
from slotlight.datasets import Dataset, DatasetSource, open_dataset
from slotlight.devices import device_name, pick_device
from slotlight.errors import ConfigError, DatasetError
from slotlight.evaluation.identity import photograph_keys
from slotlight.evaluation.protocols import PROTOCOLS
from slotlight.files import begin_run, digest, stamp
from slotlight.images import find_photographs
from slotlight.studies import find_study
from slotlight.studies.declaration import Measure, Study
from slotlight.studies.domains import by_group, read_domains, with_domains
from slotlight.studies.labelled.detector import detector_identity
from slotlight.studies.labelled.lessons import label_kind
from slotlight.studies.labelled.parts import taught_and_measured
from slotlight.studies.options import QUICK_PHOTOGRAPHS, StudyOptions, shortened
from slotlight.studies.plan import plan
from slotlight.studies.result import StudyResult, collect
from slotlight.studies.scenes import COUNT, drawn_photographs
from slotlight.studies.work import Work
from slotlight.studies.write import OUTPUTS, write_study
from slotlight.training.train import flat_settings
from slotlight.version import __version__


def study(
    name: str,
    photographs: Sequence[str | Path] = (),
    data: Dataset | str = "synthetic",
    *,
    out: str | Path,
    model: ModelConfig | None = None,
    training: TrainConfig | None = None,
    options: StudyOptions | None = None,
    device: torch.device | None = None,
    start_over: bool = False,
    command: str = "slotlight.study(...)",
) -> StudyResult:
    """Answer one of the paper's questions for a backbone and photographs: train every arm, measure, compare.

    Writes ``report.html``, ``report.md``, ``report.json`` and ``per_image.csv`` to the folder, beside the trainings and
    what was measured. The same call goes on where it was stopped.

    Args:
        name: Of `slotlight.studies.STUDIES`.
        photographs: Files, folders or globs to train on, without a label; without any, drawn scenes.
        data: What to measure on: a dataset, or what `slotlight evaluate --data` takes.
        out: The folder to write to: new, empty or Slotlight's own.
        model: What every arm begins with; without it, the preset ``study``.
        training: How every arm is trained; without it, as that preset is. Its seed is the first of the seeds.
        options: How large the study is.
        device: Where; without it, the first accelerator there is, else the processor.
        start_over: Delete what another run wrote to the folder, and begin anew.
        command: What the report names as its origin.

    Raises:
        UnknownNameError: There is no such study.
        DatasetError: The data has none of the labels that the study needs.
        OutputError: The folder holds another run, is in use or cannot be written.
        TrainingError: A training cannot start or diverges.
    """
    asked, options, out = find_study(name), options or StudyOptions(), Path(out)
    base, base_training = preset("study")
    model, training = model or base, training or base_training
    if training.processes > 1:
        raise ConfigError("A study trains on one device; leave --devices and --nodes out.")
    if training.features != "cache":
        raise ConfigError("A study trains from cached features; leave --features out.")
    asked, missing = _with_detector(asked, options)
    domains = read_domains(asked, options.domains)
    if options.quick:
        asked = asked.shortened()
        model, training = shortened(model, training)
    dataset = open_dataset(DatasetSource(data)) if isinstance(data, str) else data
    taught = None
    if asked.uses_labels:
        taught, dataset = taught_and_measured(dataset, options.taught)
    asked = with_domains(asked, list(domains))
    measures = measures_of(asked, dataset)
    if domains:
        measures += by_group(measures[0], dataset, options.measured)
    readings = plan(asked.arms, model, training, options.trainings)
    if not photographs and domains:
        photographs = list(dict.fromkeys(file for files in domains.values() for file in files))
    found = _chosen(find_photographs(photographs), options) if photographs else None
    domains = {domain: _chosen(files, options) for domain, files in domains.items()}
    device = device or pick_device("auto")
    backbone = load_chosen(model.backbone, device=device)
    seen = "drawn scenes" if found is None else _stamps(found)
    identity = _identity(asked, model, training, options, backbone, dataset, seen)
    identity |= _labels_identity(taught, options)
    identity |= {f"domain {domain}": _stamps(files) for domain, files in domains.items()}
    with begin_run(out, identity, outputs=OUTPUTS, start_over=start_over):
        if found is None:
            found = drawn_photographs(out / "photographs", QUICK_PHOTOGRAPHS if options.quick else COUNT)
        work = Work(
            *(asked, readings, measures, options, dataset, found, model, training, backbone, out),
            taught,
            domains,
        )
        evaluations = work.carry_out()
        rows, places, left_out = collect(evaluations, readings, measures)
        result = StudyResult(
            study=asked,
            measures=measures,
            rows=rows,
            photographs=tuple(dataset[place].id for place in places),
            places=places,
            data=f"{dataset.name} ({dataset.split})",
            facts=_facts(model, training, len(found), taught, domains, drawn=not photographs),
            left_out=(*missing, *left_out),
            device=device_name(device),
            command=command,
            version=__version__,
        )
        write_study(result, out, work)
    return result


def measures_of(asked: Study, dataset: Dataset) -> tuple[Measure, ...]:
    """What the labels of a dataset let a study measure; of measures of one name the first.

    Raises:
        DatasetError: Nothing.
    """
    able = [m for m in asked.measures if PROTOCOLS[m.protocol].needs <= dataset.label_kinds]
    measures = {measure.name: measure for measure in reversed(able)}
    if not measures:
        needed = sorted({measure.protocol for measure in asked.measures})
        raise DatasetError(
            f"{dataset.name} ({dataset.split}) has no labels that this study can measure on; it takes those of the "
            f"protocols {', '.join(needed)}."
        )
    return tuple(measures[name] for name in dict.fromkeys(measure.name for measure in able))


def _with_detector(asked: Study, options: StudyOptions) -> tuple[Study, list[str]]:
    """The study without the arms that need a detector where none is given, and a sentence for each of these."""
    if options.detector is not None and not asked.detectors:
        raise ConfigError(f"The study {asked.name!r} does not use a detector; leave --detector out.")
    if options.detector is not None:
        return asked, []
    names = [arm.name for arm in asked.detectors]
    return asked.of(arm for arm in asked.arms if arm.name not in names), [
        f"The arm {name}: it needs the weights of a detector, given with --detector." for name in names
    ]


def _stamps(files: Sequence[Path]) -> str:
    return f"{len(files)} ({digest([stamp(path) for path in files])})"


def _chosen(files: list[Path], options: StudyOptions) -> list[Path]:
    """All photographs, or with ``quick`` a few, spread evenly."""
    if not options.quick or len(files) <= QUICK_PHOTOGRAPHS:
        return files
    return [files[place * len(files) // QUICK_PHOTOGRAPHS] for place in range(QUICK_PHOTOGRAPHS)]


def _identity(
    asked: Study,
    model: ModelConfig,
    training: TrainConfig,
    options: StudyOptions,
    backbone: Backbone,
    dataset: Dataset,
    photographs: str,
) -> dict[str, Any]:
    """Everything that decides what a study finds, by names that a user knows."""
    # Of a weights file the content counts, which the backbone's fingerprint holds, not where it lies.
    model = replace(model, backbone=replace(model.backbone, weights=None))
    arms: list[Any] = [
        (arm.name, asdict(arm.change(model)), arm.shift and asdict(arm.shift)) for arm in asked.arms
    ]
    arms += [(arm.name, asdict(arm.first(model))) for arm in asked.arms if arm.first]
    arms += [(arm.name, arm.learner, arm.domain) for arm in asked.arms if arm.learner or arm.domain]
    return {
        "study": asked.name,
        "seeds": options.trainings,
        "limit": options.measured,
        "data": f"{dataset.name} ({dataset.split})",
        "photographs": photographs,
        "backbone": f"{backbone.name} ({backbone.fingerprint()})",
        **flat_settings({"training": asdict(training)}),
        "model": digest(asdict(model)),
        "arms": digest(arms),
    }


def _labels_identity(taught: Dataset | None, options: StudyOptions) -> dict[str, str]:
    """What decides what supervised arms learn."""
    if taught is None:
        return {}
    identities = [key.identity for key in photograph_keys(taught, None)]
    detector = {"detector": detector_identity(options.detector)} if options.detector else {}
    return {"labels": f"{len(identities)} ({digest(identities)})", **detector}


def _facts(
    model: ModelConfig,
    training: TrainConfig,
    photographs: int,
    taught: Dataset | None,
    domains: Mapping[str, list[Path]],
    *,
    drawn: bool,
) -> dict[str, str]:
    """What a reader must know of how the arms were trained."""
    chosen = model.backbone
    layer = "the last layer" if chosen.layer == -1 else f"layer {chosen.layer}"
    facts = {
        "features": f"{chosen.name}, {chosen.facet}s of {layer}, {chosen.image_size} px",
        "trained on": f"{photographs:,} {'drawn scenes' if drawn else 'photographs'}",
        "training": f"{training.steps:,} steps of {training.batch_size} at {training.learning_rate:g}",
        "model": f"{model.slots.heads} heads of {model.slots.slots} slots, masks of the {model.masks_from}",
    }
    if domains:
        facts["domains"] = ", ".join(
            f"{name} ({len(files):,} photographs)" for name, files in domains.items()
        )
    if taught is not None:
        kind, where = label_kind(taught), f"{taught.name}, {taught.split}"
        facts["supervised arms learn from"] = (
            f"the {kind} of {len(taught):,} photographs ({where}), measured nowhere"
        )
    return facts
