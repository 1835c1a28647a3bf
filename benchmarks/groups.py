"""How well groups agree with classes nobody told them: ``python -m benchmarks.groups VOCdevkit``.

Finds the objects of VOC 2012's development fifth (or takes those of ``--found``), groups all of them by their
features and by their colours alone, and compares the groups of those that match an annotated box (IoU of 0.5 or
more) with its class: normalised and adjusted mutual information, and purity. Labels only measure.
"""

import argparse
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import torch
from jaxtyping import Float, Int64
from rich.console import Console
from rich.table import Table
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_mutual_info_score, normalized_mutual_info_score

import slotlight
from benchmarks.timing import hardware
from slotlight.datasets.voc import VOCDataset
from slotlight.datasets.voc_file import read_annotation
from slotlight.discovery.record import Line
from slotlight.formats.run_lengths import annotated_mask
from slotlight.groups.clustering import cluster
from slotlight.groups.features import FeatureReader
from slotlight.groups.found import FoundObjects
from slotlight.images import read_photograph
from slotlight.metrics.boxes import box_iou

COUNTS = (10, 20, 40, None)
SEEDS = 3
_MATCH = 0.5
_BINS = 8  # of each colour
_OUT = Path("out/groups/found")

Grouping = Callable[[int, int], Int64[np.ndarray, " object"]]


def main() -> None:
    """Find, group, print."""
    parser = argparse.ArgumentParser(prog="benchmarks.groups", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, help="a VOC devkit with VOC2012")
    parser.add_argument("--found", type=Path, help="what slotlight discover wrote for its development fifth")
    chosen = parser.parse_args()
    root = VOCDataset(chosen.data, "dev").root
    found = FoundObjects.of(chosen.found or discover_dev(chosen.data))
    segmenter = slotlight.load().segmenter
    assert segmenter.backbone is not None
    reader = FeatureReader(segmenter.backbone, segmenter.image_size)
    lines = list(found.lines())
    features = np.concatenate([one.features for one in reader.stream(lines, _stop)])
    colours = np.array([row for line in lines for row in colour_histograms(line)])
    classes = np.array([name for line in lines for name in classes_of(line, root)])
    report(features, colours, classes)


def discover_dev(data: Path) -> Path:
    """Run `slotlight discover` on the development fifth."""
    dataset = VOCDataset(data, "dev")
    photographs = [str(dataset.root / "JPEGImages" / f"{dataset[n].id}.jpg") for n in range(len(dataset))]
    command = [sys.executable, "-m", "slotlight", "discover", *photographs, "--out", str(_OUT)]
    subprocess.run([*command, "--no-overlays", "--no-masks"], check=True)
    return _OUT


def _stop(_: Line, error: slotlight.SlotlightError) -> None:
    raise error


def colour_histograms(line: Line) -> Iterator[Float[np.ndarray, " bin"]]:
    """Of each object, the roots of the shares of 512 colours: their distance is Hellinger's."""
    image = read_photograph(line.file)
    bins = (image // (256 // _BINS)).astype(int) @ np.array([_BINS * _BINS, _BINS, 1])
    for annotation in line.annotations:
        counts = np.bincount(bins[annotated_mask(annotation)], minlength=_BINS**3)
        yield np.sqrt(counts / counts.sum())


def classes_of(line: Line, root: Path) -> list[str]:
    """Of each object, the class of the annotated box that it matches best; empty where it matches none."""
    path = root / "Annotations" / f"{Path(line.file).stem}.xml"
    names = [element.findtext("name", "") for element in ElementTree.parse(path).getroot().findall("object")]
    x, y, width, height = np.array([annotation["bbox"] for annotation in line.annotations]).T
    boxes = torch.from_numpy(np.stack([x, y, x + width, y + height], axis=1))
    overlap = box_iou(boxes[None], torch.from_numpy(read_annotation(path).boxes_xyxy)[None])[0]
    if not names:
        return [""] * len(line.annotations)
    best, place = overlap.max(dim=1)
    return [names[n] if iou >= _MATCH else "" for iou, n in zip(best.tolist(), place.tolist(), strict=True)]


def report(
    features: Float[np.ndarray, "object dim"],
    colours: Float[np.ndarray, "object bin"],
    classes: Sequence[str] | np.ndarray,
) -> None:
    """Print a table: a row a way of grouping and a number of groups."""
    known = np.asarray(classes) != ""
    truth = np.asarray(classes)[known]
    whitened = PCA(32, whiten=True).fit_transform(features)
    ways: dict[str, Grouping] = {
        "features": lambda groups, seed: cluster(features, groups, seed=seed).group,
        "features, whitened to 32": lambda groups, seed: _kmeans(whitened, groups, seed),
        "colour histograms": lambda groups, seed: _kmeans(colours, groups, seed),
        "at random": lambda groups, seed: np.random.default_rng(seed).integers(groups, size=len(features)),
    }
    console = Console()
    console.print(hardware())
    console.print(
        f"{len(features)} objects, of which {len(truth)} match a box; {len(set(truth.tolist()))} classes, "
        f"the largest {100 * max(np.mean(truth == name) for name in set(truth.tolist())):.1f} %; {SEEDS} seeds"
    )
    table = Table("grouped by", "groups", "NMI", "AMI", "purity")
    for count in COUNTS:
        for name, way in ways.items():
            if count is None and name != "features":
                continue
            groups = count or [int(cluster(features, seed=seed).group.max()) for seed in range(SEEDS)]
            counts = groups if isinstance(groups, list) else [groups] * SEEDS
            scores = [_scores(way(k, seed)[known], truth) for seed, k in enumerate(counts)]
            shown = str(count) if count else f"chosen: {', '.join(map(str, counts))}"
            table.add_row(name, shown, *(_shown([s[i] for s in scores]) for i in range(3)))
    console.print(table)


def _kmeans(points: Float[np.ndarray, "object dim"], groups: int, seed: int) -> Int64[np.ndarray, " object"]:
    labels: Int64[np.ndarray, " object"] = (
        KMeans(groups, n_init=5, random_state=seed).fit_predict(points).astype(np.int64)
    )
    return labels


def _scores(groups: Int64[np.ndarray, " object"], truth: np.ndarray) -> tuple[float, float, float]:
    pure = sum(np.unique(truth[groups == group], return_counts=True)[1].max() for group in np.unique(groups))
    nmi = normalized_mutual_info_score(truth, groups)
    return float(nmi), float(adjusted_mutual_info_score(truth, groups)), float(pure) / len(truth)


def _shown(values: Sequence[float]) -> str:
    return f"{100 * np.mean(values):.1f} ± {100 * np.std(values):.1f}"


if __name__ == "__main__":
    main()
