"""Ours beside what a user would pick otherwise: ``python -m benchmarks peers [--from PHOTOS]``.

Every run is a process of its own, from loading on; ours runs again right before each peer, on the same photographs
with the same number of threads. Ours reads JPEG files and writes everything that `slotlight discover` writes. The peers
read the same files, keep what they find in memory and write nothing. Their weights are random, because speed does not
depend on them but for what follows the network: random Mask R-CNN and SAM keep no object above their own thresholds,
so that joining and refining masks is left out, in their favour.

Processor time (user and system, all threads) stands beside time on the clock, because other work on the machine hardly
disturbs it. Writes out/peers.json.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import numpy as np
import scipy.linalg
import timm
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch.nn import functional as F

from benchmarks.subjects import photographs
from benchmarks.timing import hardware
from slotlight.backbones import Backbone
from slotlight.baselines.graph import WEAK_EDGE
from slotlight.baselines.maskcut import maskcut
from slotlight.images import find_photographs, read_photograph, resize, to_batch

RESULTS = Path("out/peers.json")
Find = Callable[[Sequence[Path]], object]


@dataclass(frozen=True)
class Cost:
    """What a process took for its counted photographs, and its peak memory over all.

    Attributes:
        photographs: How many were counted.
        clock: Seconds on the clock.
        processor: Seconds of processor time, all threads.
        peak_mb: Peak memory of the process.
    """

    photographs: int
    clock: float
    processor: float
    peak_mb: float


def ours() -> Find:
    """`slotlight discover` with the embedded model: objects.json, masks and overlays on disk."""
    from slotlight.cli.discover import discover

    folder = TemporaryDirectory()

    def find(paths: Sequence[Path]) -> None:
        out = Path(folder.name) / str(len(list(Path(folder.name).iterdir())))
        discover(tuple(map(str, paths)), out=out)

    return find


def mask_rcnn() -> Find:
    """As torchvision's documentation uses it: one photograph at a time, resized to 800 pixels by the model."""
    from torchvision.models.detection import maskrcnn_resnet50_fpn

    model = maskrcnn_resnet50_fpn(weights=None, weights_backbone=None).eval()
    return _each(lambda image: model([torch.from_numpy(image).permute(2, 0, 1) / 255]))


def segment_anything() -> Find:
    """The mask generator of the package segment-anything with its defaults: ViT-B, 32×32 points."""
    try:
        from segment_anything import SamAutomaticMaskGenerator, sam_model_registry
    except ImportError:
        sys.exit("SAM is timed with its own package; install it with: pip install segment-anything.")
    generator = SamAutomaticMaskGenerator(sam_model_registry["vit_b"](checkpoint=None).eval())
    return _each(generator.generate)


def maskcut_dense() -> Find:
    """MaskCut on ViT-S/8 at 480 pixels with a dense eigensolver, as its authors released it; their CRF is left out."""
    return partial(_with_dense_cuts, maskcut_lanczos())


def maskcut_lanczos() -> Find:
    """The same with Slotlight's own eigensolver."""
    network = timm.create_model("vit_small_patch8_224.dino", pretrained=False, dynamic_img_size=True)
    backbone = Backbone("dino-vits8, random weights", network)
    return _each(lambda image: maskcut(backbone(to_batch([resize(image, (480, 480))]))))


def _with_dense_cuts(find: Find, paths: Sequence[Path]) -> None:
    with patch("slotlight.baselines.maskcut.normalised_cut", _dense_cut):
        find(paths)


def _dense_cut(features: Tensor, threshold: float) -> Tensor:
    """The second eigenvector of (D - W) y = λ D y, by LAPACK."""
    unit = F.normalize(features[0], dim=-1)
    weights = np.where((unit @ unit.T).numpy() > threshold, 1.0, WEAK_EDGE)
    degrees = np.diag(weights.sum(1))
    _, vectors = scipy.linalg.eigh(degrees - weights, degrees, subset_by_index=[1, 1])
    return torch.from_numpy(vectors.T).to(features)


def _each(find: Callable[[np.ndarray], object]) -> Find:
    """A photograph after the other."""

    @torch.inference_mode()
    def all_of(paths: Sequence[Path]) -> None:
        for path in paths:
            find(read_photograph(path))

    return all_of


# What finds objects, how many photographs are counted, and how many go before them uncounted.
OURS = "slotlight discover, everything written"
SUBJECTS: dict[str, tuple[Callable[[], Find], int, int]] = {
    OURS: (ours, 32, 8),
    "torchvision's Mask R-CNN, ResNet-50 FPN": (mask_rcnn, 2, 1),
    "SAM's mask generator, ViT-B, 32×32 points": (segment_anything, 1, 0),
    "MaskCut, ViT-S/8 at 480 px, dense eigensolver": (maskcut_dense, 1, 0),
    "MaskCut, ViT-S/8 at 480 px, Slotlight's eigensolver": (maskcut_lanczos, 2, 1),
}


def main(arguments: Sequence[str] = ()) -> None:
    """Measure each peer, ours right before it; print and write what came."""
    parser = argparse.ArgumentParser(prog="benchmarks peers", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--from", dest="source", type=Path)
    parser.add_argument("--only", help="a part of the peer's name, such as SAM")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.worker:
        return _work(chosen.worker, chosen.threads, [Path(line.strip()) for line in sys.stdin])
    sources = find_photographs([chosen.source]) if chosen.source else list(photographs(40))
    peers = [name for name in SUBJECTS if name != OURS and (chosen.only or "") in name]
    if not peers:
        sys.exit(f"No peer is called {chosen.only!r}; there are: {'; '.join(SUBJECTS)}.")
    console = Console()
    console.print(hardware())
    columns = ("peer", "photographs/s", "CPU seconds each", "peak MB")
    table = Table(*columns, *(f"ours: {column}" for column in columns[1:]), "times, clock", "times, CPU")
    rows = []
    for name in peers:
        pair = [_measure(subject, chosen.threads, sources) for subject in (OURS, name)]
        rows.append({"peer": name, "ours": asdict(pair[0]), "theirs": asdict(pair[1])})
        us, them = (
            (cost.photographs / cost.clock, cost.processor / cost.photographs, cost.peak_mb) for cost in pair
        )
        shown = [f"{rate:.3g}" for rate in them[:2]] + [f"{them[2]:,.0f}"]
        shown += [f"{rate:.3g}" for rate in us[:2]] + [f"{us[2]:,.0f}"]
        table.add_row(name, *shown, f"{us[0] / them[0]:.1f}", f"{them[1] / us[1]:.1f}")
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(
            json.dumps({"hardware": hardware(), "threads": chosen.threads, "rows": rows}, indent=2)
        )
    console.print(table)
    return console.print(f"written to {RESULTS}")


def _measure(name: str, threads: int, sources: Sequence[Path]) -> Cost:
    """A subject in a process of its own."""
    _, counted, before = SUBJECTS[name]
    if len(sources) < counted + before:
        sys.exit(f"{counted + before} photographs are needed; there are {len(sources)}.")
    command = [sys.executable, "-m", "benchmarks.peers", "--worker", name, "--threads", str(threads)]
    lines = "\n".join(str(path.absolute()) for path in sources[: counted + before])
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{name} failed:\n{done.stderr}")
    return Cost(**json.loads(done.stdout.splitlines()[-1]))


def _work(name: str, threads: int, paths: Sequence[Path]) -> None:
    """Inside the process: find, and say what it took."""
    torch.set_num_threads(threads)
    build, _, before = SUBJECTS[name]
    find = build()
    if before:
        find(paths[:before])
    clock, processor = time.perf_counter(), _processor()
    find(paths[before:])
    clock, processor = time.perf_counter() - clock, _processor() - processor
    unit = 1e6 if sys.platform == "darwin" else 1e3  # bytes there, kilobytes here
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    print(json.dumps(asdict(Cost(len(paths) - before, clock, processor, peak))))


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":  # each subject's process
    main(sys.argv[1:])
