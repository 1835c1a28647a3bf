"""Threads beside a model."""

import torch

from slotlight.parallel import WORKERS, worker_pool


def test_workers_keep_to_one_core_and_the_caller_keeps_all() -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        with worker_pool() as pool:
            assert list(pool.map(lambda _: torch.get_num_threads(), range(4 * WORKERS))) == [1] * 4 * WORKERS
            assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
