import pytest

from slotlight.config import TrainConfig, preset
from slotlight.training.schedule import learning_rate


def rates(config: TrainConfig, steps: range | tuple[int, ...]) -> list[float]:
    return [learning_rate(step, config) / config.learning_rate for step in steps]


def test_halving_counts_optimiser_steps() -> None:
    config = TrainConfig(steps=1000, warmup_share=0.05, decay="halving", halving_share=0.02)
    found = rates(config, range(1000))
    assert found[:50] == pytest.approx([(step + 1) / 50 for step in range(50)])
    assert found[50::20] == pytest.approx([0.5**n for n in range(48)])


def test_cosine_ends_at_zero() -> None:
    config = TrainConfig(steps=100, warmup_share=0.0, decay="cosine")
    assert rates(config, (0, 50, 100)) == pytest.approx([1, 0.5, 0], abs=1e-12)


def test_the_paper_trains_as_its_release_does() -> None:
    _, config = preset("paper")
    images = 490_000 * 16  # what the release calls total_steps: epochs × len(datamodule)

    def release(step: int) -> float:
        warmup_steps = decay_steps = 0.02 * images
        factor = step / warmup_steps if step < warmup_steps else 1
        return factor * 0.5 ** (step / decay_steps)

    steps = tuple(range(0, 490_000, 7_000))
    assert rates(config, steps) == pytest.approx([release(step) for step in steps])
    halving = TrainConfig(steps=490_000, decay="halving")
    assert sum(rates(config, steps)) / sum(rates(halving, steps)) == pytest.approx(7, abs=1)
