from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from slotlight.datasets import FolderDataset, LabelKind, Labels, SyntheticDataset
from slotlight.discovery.discovery import Discovery
from slotlight.discovery.segments import mask_boxes_xyxy
from slotlight.errors import DatasetError, UnknownNameError
from slotlight.evaluation.measured import Measured
from slotlight.evaluation.protocols import PROTOCOLS, check_labels, find_protocol


def discovery_of(segments: np.ndarray, objects: np.ndarray | None = None, scores: list[float] | None = None):
    """A discovery with these segments; `objects` is a map of objects, 0 for none."""
    objects = np.zeros_like(segments) if objects is None else objects
    masks = np.arange(1, objects.max() + 1)[:, None, None] == objects
    scores = scores or [0.9 - 0.1 * i for i in range(len(masks))]
    image = np.zeros((*segments.shape, 3), np.uint8)
    return Discovery(
        image, segments.astype(np.uint8), masks, mask_boxes_xyxy(masks), np.array(scores, np.float32)
    )


def labels_of(instances: np.ndarray) -> Labels:
    boxes = mask_boxes_xyxy(np.arange(1, instances.max() + 1)[:, None, None] == instances)
    return Labels(
        foreground=np.minimum(instances, 1).astype(np.uint8),
        classes=instances.astype(np.uint8),
        instances=instances.astype(np.uint8),
        boxes_xyxy=boxes.astype(np.float64),
    )


@pytest.fixture
def scene() -> np.ndarray:
    scene = np.zeros((40, 60), np.uint8)
    scene[5:20, 5:25] = 1
    scene[22:36, 30:55] = 2
    return scene


def all_values(name: str, measured: Measured) -> dict[str, float]:
    pool = PROTOCOLS[name].pool
    return measured.values | (pool.estimates([measured]) if pool else {})


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_perfect_discovery_is_worth_1(name: str, scene: np.ndarray) -> None:
    measured = PROTOCOLS[name].measure(discovery_of(scene, scene, [1.0, 0.9]), labels_of(scene))
    values = all_values(name, measured)
    assert set(values) == {metric.name for metric in PROTOCOLS[name].metrics}
    if name in ("detection", "masks"):
        assert values.pop("AR@1") == pytest.approx(0.5)  # one box cannot find two objects
        assert values.pop("ECE") == pytest.approx(0.05)  # of the two scores, one is 0.1 too low
    if name == "saliency":
        assert values["max F-beta"] == pytest.approx(1)
    if name == "masks":  # both objects are smaller than 32² pixels
        assert all(
            np.isnan(values.pop(f"{kind} {size}")) for kind in ("AP", "AR") for size in ("medium", "large")
        )
    assert values == pytest.approx(dict.fromkeys(values, 1.0))


@pytest.mark.parametrize("name", PROTOCOLS)
def test_renaming_slots_changes_nothing(name: str, scene: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    segments = rng.integers(0, 5, (8, 12)).repeat(5, 0).repeat(5, 1).astype(np.uint8)
    renamed = rng.permutation(5).astype(np.uint8)[segments]
    first, second = (PROTOCOLS[name].measure(discovery_of(s), labels_of(scene)) for s in (segments, renamed))
    assert all_values(name, first) == pytest.approx(all_values(name, second), nan_ok=True)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_an_image_without_objects_is_undefined_or_counted(name: str, scene: np.ndarray) -> None:
    empty = labels_of(np.zeros_like(scene))
    measured = PROTOCOLS[name].measure(discovery_of(scene, scene), empty)
    undefined = {k for k, v in measured.values.items() if np.isnan(v)}
    expected = {
        "paper": {"mBO", "CorLoc"},
        "paper-as-released": {"mBO", "CorLoc"},
        "instances": {"mBO_i", "mBO_c", "FG-ARI", "mIoU"},
        "corloc": {"CorLoc-1"},
        "detection": set(),
        "masks": set(),
        "saliency": set(),
    }
    assert undefined == expected[name]
    assert measured.objects.overlaps == ()


def test_nothing_found_is_a_miss(scene: np.ndarray) -> None:
    nothing = discovery_of(np.zeros_like(scene))
    assert PROTOCOLS["corloc"].measure(nothing, labels_of(scene)).values == {"CorLoc-1": 0}
    detection = PROTOCOLS["detection"].measure(nothing, labels_of(scene))
    assert detection.objects.overlaps == (0, 0)
    assert PROTOCOLS["detection"].pool.estimates([detection])["AP"] == 0


def test_only_the_best_scored_box_counts_in_corloc(scene: np.ndarray) -> None:
    wrong_first = np.zeros_like(scene)
    wrong_first[:3, 50:], wrong_first[scene == 2] = 1, 2
    protocol = PROTOCOLS["corloc"]
    assert protocol.measure(discovery_of(scene, wrong_first), labels_of(scene)).values["CorLoc-1"] == 0
    right_first = np.select([wrong_first == 1, wrong_first == 2], [2, 1], 0)
    assert protocol.measure(discovery_of(scene, right_first), labels_of(scene)).values["CorLoc-1"] == 1


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_splitting_an_object_never_raises_its_overlap(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, (6, 6)).repeat(4, 0).repeat(4, 1)
    whole = truth.copy()
    split = np.where((truth == 1) & (rng.random(truth.shape) < 0.5), 3, truth)
    measure = PROTOCOLS["instances"].measure
    coarse, fine = (measure(discovery_of(s), labels_of(truth)).values["mBO_i"] for s in (whole, split))
    assert np.isnan(coarse) or fine <= coarse + 1e-12


def test_paper_agrees_with_the_authors(golden_dir: Path) -> None:
    golden = np.load(golden_dir / "metrics_authors.npz")
    for index, (segments, classes) in enumerate(zip(golden["pred"], golden["gt"], strict=True)):
        values = PROTOCOLS["paper"].measure(discovery_of(segments), Labels(classes=classes)).values
        for metric, name in (("mIoU", "miou"), ("mBO", "mbo"), ("CorLoc", "corloc")):
            expected = golden[f"expected.per_image.authors.{name}"][index]
            assert np.nan_to_num(values[metric]) == pytest.approx(expected, abs=1e-9)


def test_instances_agree_with_golden_values(golden_dir: Path) -> None:
    golden = np.load(golden_dir / "metrics_standard.npz")
    source = golden if "pred" in golden else np.load(golden_dir / "metrics_authors.npz")
    pairs = zip(source["pred"], source["gt"], strict=True)
    found = [PROTOCOLS["instances"].measure(discovery_of(s), Labels(instances=g)).values for s, g in pairs]
    per_image = {name: np.array([values[name] for values in found]) for name in found[0]}
    assert per_image["FG-ARI"] == pytest.approx(golden["expected.per_image.fg_ari"], abs=1e-9, nan_ok=True)
    assert np.nanmean(per_image["mBO_i"]) == pytest.approx(
        float(golden["expected.mbo_no_background"]), abs=1e-9
    )
    miou = float(golden["expected.miou_hungarian_no_background"])
    assert np.nanmean(per_image["mIoU"]) == pytest.approx(miou, abs=1e-9)


def test_views_of_the_paper_are_320_square(scene: np.ndarray) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*scene.shape, 3), dtype=np.uint8)
    for name in ("paper", "paper-as-released"):
        view = PROTOCOLS[name].view
        assert view.image(image).shape == (320, 320, 3)
        assert view.labels(labels_of(scene), scene.shape).classes.shape == (320, 320)


@pytest.mark.parametrize("size", [(500, 375), (333, 500), (240, 321), (319, 320), (100, 90)])
def test_crop_is_that_of_the_release(size: tuple[int, int]) -> None:
    from torchvision.transforms.functional import center_crop

    image = np.random.default_rng(0).integers(1, 256, (*size, 3), dtype=np.uint8)
    ours = PROTOCOLS["paper-as-released"].view.image(image)
    theirs = center_crop(torch.tensor(image).permute(2, 0, 1), [320, 320]).permute(1, 2, 0).numpy()
    padding = (theirs == 0).all(-1)  # after normalising, 0 is the mean colour
    assert (ours[~padding] == theirs[~padding]).all()
    assert (ours[padding] == [124, 116, 104]).all()


def test_squashed_boxes_follow_their_map() -> None:
    scene = np.zeros((160, 80), np.uint8)
    scene[40:80, 20:40] = 1
    labels = labels_of(scene).squashed((160, 80), (320, 320))
    ys, xs = np.nonzero(labels.instances)
    assert labels.boxes_xyxy.tolist() == [[xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]]


def test_a_dataset_that_lacks_labels_is_refused_in_one_sentence(photo_paths: list[Path]) -> None:
    folder = FolderDataset(photo_paths[0].parent)
    with pytest.raises(
        DatasetError, match=r"needs class masks, which .* lacks; protocols that it allows: none\."
    ):
        check_labels(find_protocol("paper"), folder)
    for protocol in PROTOCOLS.values():
        check_labels(protocol, SyntheticDataset(count=1))


def test_unknown_protocols_are_named() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'paper'"):
        find_protocol("papers")


def test_every_protocol_says_what_it_needs_and_means() -> None:
    for name, protocol in PROTOCOLS.items():
        assert protocol.name == name
        assert protocol.needs <= frozenset(LabelKind)
        assert all(metric.meaning.endswith(".") for metric in protocol.metrics)
