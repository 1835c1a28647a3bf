import signal

import pytest

from slotlight.training.interruption import SIGNALS, Interruption


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_waits_until_it_is_delivered(number: int) -> None:
    came: list[int] = []
    former = signal.signal(number, lambda number, _: came.append(number))
    try:
        with Interruption() as interruption:
            assert not interruption.pending
            signal.raise_signal(number)
            assert interruption.pending
            assert came == []
            interruption.deliver()
            assert came == [number]
        assert came == [number]
    finally:
        signal.signal(number, former)


def test_a_signal_after_the_last_step_is_not_lost() -> None:
    with pytest.raises(KeyboardInterrupt), Interruption():
        signal.raise_signal(signal.SIGINT)


def test_a_second_signal_acts_at_once() -> None:
    steps = []

    def stopped_twice() -> None:
        for step in range(3):
            signal.raise_signal(signal.SIGINT)
            steps.append(step)

    with pytest.raises(KeyboardInterrupt), Interruption():
        stopped_twice()
    assert steps == [0]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
