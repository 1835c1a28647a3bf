"""``slotlight distil``: photographs → a detector that learned from a model's own regions."""

from pathlib import Path
from typing import Annotated

from tyro.conf import OmitArgPrefixes, Positional, arg

from slotlight.config import DetectorConfig, DistilConfig


def distil(
    paths: Positional[tuple[str, ...]],
    *,
    out: Path,
    teacher: str = "voting",
    weights: Path | None = None,
    detector: Annotated[DetectorConfig, arg(name="detector")] = DetectorConfig(),  # noqa: B008
    training: OmitArgPrefixes[DistilConfig] = DistilConfig(),  # noqa: B008
    device: str = "auto",
    resume: bool = False,
    start_over: bool = False,
) -> int:
    """Train a detector on a folder of photographs, without a label.

    A teacher finds regions in each photograph; the detector learns what they have in common, then learns again from
    its own confident predictions. The same command, run again, resumes where it stopped. Use the trained detector with
    `slotlight discover --model OUT`.

    Args:
        paths: Photographs, folders (searched recursively) or "globs".
        out: The folder to write to.
        teacher: What finds the first regions: voting, voting@BACKBONE, or the folder of another detector.
        weights: A local file with the weights of the teacher's backbone.
        detector: The network to train.
        training: How it is trained.
        device: auto, cpu, cuda, mps, ...
        resume: Require that OUT already holds this run, and resume it.
        start_over: Delete the results of an earlier run in OUT first.
    """
    from slotlight.detector.distil import distil as run
    from slotlight.detector.distil import teaching_rule
    from slotlight.devices import pick_device
    from slotlight.loading import load

    rule = teaching_rule(training, training.min_votes)
    first = load(teacher, weights=weights, device=device, rule=rule)
    folder = run(
        paths,
        out,
        first,
        detector,
        training,
        device=pick_device(device),
        resume=resume,
        start_over=start_over,
    )
    print(f"The detector is in {folder}; use it with: slotlight discover PHOTOS --out found --model {folder}")
    return 0
