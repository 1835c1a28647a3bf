"""Threads that prepare photographs for a model and finish what it found, while it computes."""

import os
from concurrent.futures import ThreadPoolExecutor

import torch
from threadpoolctl import threadpool_limits

WORKERS = max(2, min(16, os.cpu_count() or 1))
"""Threads of a pool."""


def worker_pool() -> ThreadPoolExecutor:
    """A pool of `WORKERS` threads that compute on one core each; the model's own thread keeps all of them.

    Unusual: torch would give every thread a team of threads of its own. With more of them than cores OpenMP stops
    waiting actively for any, and the *model* loses up to a tenth of its speed, however little the workers do.

    Example:
        >>> with worker_pool() as pool:
        ...     pool.submit(torch.get_num_threads).result()
        1
    """
    return ThreadPoolExecutor(WORKERS, initializer=_keep_to_one_core)


def _keep_to_one_core() -> None:
    torch.get_num_threads()  # a thread's first question sets its number: later it would undo ours
    threadpool_limits(1, user_api="openmp")  # which is each thread's own
