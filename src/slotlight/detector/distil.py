"""Photographs → a detector that has learned from a model's own regions, without a label.

A teacher's regions stand in for labels. What they have in common over many photographs is learned, what is an accident
of one photograph is not, so the detector finds more than its teacher. After each round it is its own teacher: what it
is sure of, and those old regions that this does not explain, are what the next round learns from.

Source: CutLER (Wang et al., arXiv 2301.11320), with regions by vote in place of MaskCut.
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torchvision.models.detection import MaskRCNN

from slotlight.backbones import load_backbone
from slotlight.config import EMBEDDED, DetectorConfig, DistilConfig, ObjectRule
from slotlight.detector.checkpoint import save_detector
from slotlight.detector.loop import fit_detector
from slotlight.detector.network import build_detector
from slotlight.detector.pseudo_masks import PseudoMasks, find_pseudo_masks
from slotlight.detector.segmenter import DetectorSegmenter
from slotlight.devices import mention_slow_precision, pick_device
from slotlight.discovery.discoverer import Discoverer
from slotlight.errors import CheckpointError
from slotlight.files import RESUMES, begin_run, digest, stamp, whole_file, writing_to
from slotlight.images import find_photographs
from slotlight.tensors import tensors_digest
from slotlight.training.state import STATE, TrainingState, load_state
from slotlight.training.train import check_resuming, flat_settings

EXPLAINED = 0.5
"""An old region whose IoU with a prediction is above this is the same object."""

_OUTPUTS = ("config.json", "detector.safetensors", STATE, "rounds", "regions", "logs")


def distil(
    photographs: Sequence[str | Path],
    out: str | Path,
    teacher: Discoverer,
    detector_config: DetectorConfig,
    distil_config: DistilConfig,
    *,
    device: torch.device | None = None,
    resume: bool = False,
    start_over: bool = False,
) -> Path:
    """Train a detector on the regions that a teacher finds, then on its own.

    A run that was stopped goes on when it is started again, and ends in the same detector as if it had not been.

    Args:
        photographs: Files, folders or globs.
        out: The model folder. During training it also gets ``regions/`` (what stands in for labels), ``rounds/``,
            ``logs/`` and ``state.safetensors`` (where the run stands).
        teacher: What finds the first regions: a model with proposals, under `teaching_rule`.
        detector_config: The network.
        distil_config: How it learns.
        device: Where; without it, the first accelerator there is, else the processor.
        resume: Insist that the folder holds a run to go on with.
        start_over: Delete what a run wrote to the folder, whatever run it was, and begin anew.

    Returns:
        The model folder, which `slotlight.load` takes.

    Raises:
        TrainingError: There is nothing to learn from, nothing to resume, or a gradient is not finite.
        OutputError: The folder holds another run, is in use or cannot be written.
        CheckpointError: The state to go on from is damaged.
    """
    out, device = Path(out), device or pick_device("auto")
    mention_slow_precision(device, distil_config.precision)
    check_resuming(out, resume=resume, start_over=start_over)
    files = find_photographs(photographs)
    settings = asdict(distil_config)
    del settings["checkpoint_every"]  # without effect on the result
    identity = flat_settings({"detector": asdict(detector_config), "training": settings}) | {
        "teacher": f"{teacher.name} ({teacher.segmenter.fingerprint()}, {teacher.rule})",
        "photographs": f"{len(files)} ({digest([stamp(file) for file in files])})",
    }
    run = begin_run(out, identity, outputs=_OUTPUTS, start_over=start_over)
    with run, writing_to(out, promise=RESUMES):
        torch.manual_seed(distil_config.seed)
        stages = load_backbone(EMBEDDED).extract.network
        network = build_detector(stages, detector_config).to(device)
        pseudo: list[PseudoMasks] = []
        for number in range(distil_config.rounds):
            former, pseudo = pseudo, _taught(files, out, number, teacher, distil_config)
            if number:
                pseudo = [new.joined(old, EXPLAINED) for new, old in zip(pseudo, former, strict=True)]
            _run_round(network, pseudo, out, number, distil_config, device, digest(identity))
            teacher = _as_teacher(network, detector_config, distil_config)
        info = {"distil": asdict(distil_config), "teacher": identity["teacher"], "photographs": len(files)}
        save_detector(out, network, detector_config, info)
    return out


def teaching_rule(config: DistilConfig, least: float) -> ObjectRule:
    """Which of a teacher's proposals teach: the best few down to a score."""
    return ObjectRule(proposals=True, max_objects=config.most_regions, min_score=least)


def _taught(
    files: Sequence[Path], out: Path, number: int, teacher: Discoverer, config: DistilConfig
) -> list[PseudoMasks]:
    least = config.sure_above if number else config.min_votes
    found = find_pseudo_masks(files, out / "regions" / f"round_{number + 1}", teacher)
    by_path = {one.path: one.sure(least, config.most_regions) for one in found}
    return [by_path.get(file, PseudoMasks(file, (), ())) for file in files]


def _as_teacher(network: MaskRCNN, detector: DetectorConfig, config: DistilConfig) -> Discoverer:
    segmenter = DetectorSegmenter("the round before", network, detector, precision=config.precision)
    return Discoverer(segmenter, rule=teaching_rule(config, config.sure_above))


def _run_round(
    network: MaskRCNN,
    pseudo: Sequence[PseudoMasks],
    out: Path,
    number: int,
    config: DistilConfig,
    device: torch.device,
    run: str,
) -> None:
    """Train a round, or take its weights where it is done."""
    ended = out / "rounds" / f"round_{number + 1}.safetensors"
    name = f"{run} round {number + 1}"
    network.requires_grad_(True)
    if not ended.exists():
        state_path = out / STATE
        state = _state_of(state_path, name)
        fit_detector(
            network,
            pseudo,
            out,
            config,
            device=device,
            run=name,
            number=number,
            state=state,
            state_path=state_path,
        )
        ended.parent.mkdir(exist_ok=True)
        weights = {key: value.detach().cpu().contiguous() for key, value in network.state_dict().items()}
        with whole_file(ended) as partial:
            save_file(weights, partial, {"digest": tensors_digest(weights, name)})
        return
    try:
        with safe_open(ended, "pt") as file:
            weights = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            about = file.metadata() or {}
        if about.get("digest") != tensors_digest(weights, name):
            raise ValueError("its content does not match its digest")
        network.load_state_dict(weights)
    except (OSError, SafetensorError, RuntimeError, ValueError) as fault:
        raise CheckpointError(f"{ended} is damaged; delete it to have its round trained again.") from fault


def _state_of(path: Path, name: str) -> TrainingState | None:
    """The state of this round; that of the round before is done with."""
    if not path.exists():
        return None
    state = load_state(path)
    return state if state.run == name else None
