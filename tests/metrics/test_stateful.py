"""The torchmetrics: equal to the functions, on one process and on two."""

from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import Tensor, multiprocessing

from slotlight.metrics import (
    ScoredRegions,
    average_precision,
    best_overlap,
    confusion_matrix,
    f_beta_curve,
    max_f_beta,
    mean_over_images,
)
from slotlight.metrics.stateful import ImageMean, MaxFBeta, detection_metric


def mbo(slots: Tensor, labels: Tensor) -> Tensor:
    return best_overlap(confusion_matrix(slots, labels), count_void=False)


def batch(first: int, last: int) -> tuple[Tensor, Tensor, Tensor]:
    """Images ``first`` to ``last``: slots, labels (the third without objects) and a soft map."""
    generator = torch.Generator().manual_seed(0)
    slots = torch.randint(0, 4, (7, 16, 16), generator=generator)
    labels = torch.randint(0, 3, (7, 16, 16), generator=generator)
    labels[2] = 0
    saliency = torch.rand(7, 16, 16, generator=generator)
    return slots[first:last], labels[first:last], saliency[first:last]


def run(first: int, last: int) -> list[float]:
    mean, f_beta = ImageMean(mbo), MaxFBeta()
    for i in range(first, last):
        slots, labels, saliency = batch(i, i + 1)
        mean.update(slots, labels)
        f_beta.update(saliency, labels)
    return [float(mean.compute()), float(f_beta.compute())]


def worker(rank: int, rendezvous: str, out: str) -> None:
    dist.init_process_group("gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=2)
    values = run(0, 3) if rank == 0 else run(3, 7)
    torch.save(values, f"{out}/{rank}.pt")
    dist.destroy_process_group()


def test_one_process_gives_the_functions_values() -> None:
    slots, labels, saliency = batch(0, 7)
    expected = [mean_over_images(mbo(slots, labels)), max_f_beta(f_beta_curve(saliency, labels))]
    assert run(0, 7) == pytest.approx(expected, abs=1e-12)


@pytest.mark.slow
def test_two_processes_give_what_one_gives(tmp_path: Path) -> None:
    multiprocessing.spawn(worker, args=(str(tmp_path / "rendezvous"), str(tmp_path)), nprocs=2)
    for rank in range(2):
        assert torch.load(tmp_path / f"{rank}.pt") == pytest.approx(run(0, 7), abs=1e-12)


@pytest.mark.filterwarnings("ignore:The ``compute`` method:UserWarning")
def test_nothing_seen_is_nan() -> None:
    assert ImageMean(mbo).compute().isnan()


def test_torchmetrics_detection_is_ours() -> None:
    generator = torch.Generator().manual_seed(1)
    metric, regions = detection_metric(), []
    for _ in range(5):
        corners = torch.rand(6, 2, generator=generator) * 50
        truth = torch.cat((corners, corners + 20), dim=1)
        found, scores = truth + 4 * torch.randn(6, 4, generator=generator), torch.rand(6, generator=generator)
        labels = torch.zeros(6, dtype=torch.long)
        metric.update(
            [{"boxes": found, "scores": scores, "labels": labels}], [{"boxes": truth, "labels": labels}]
        )
        regions.append(ScoredRegions.of_boxes(found, scores, truth))
    theirs, ours = metric.compute(), average_precision(regions)
    assert 0 < ours.ap < 1
    assert [ours.ap, ours.ap50, ours.ar_1, ours.ar_10, ours.ar_100] == pytest.approx(
        [float(theirs[key]) for key in ("map", "map_50", "mar_1", "mar_10", "mar_100")], abs=1e-6
    )
