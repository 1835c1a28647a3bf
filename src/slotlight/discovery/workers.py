"""Several processes of one machine that share the photographs of a run; the one that starts them keeps the record.

Each worker loads the model, finds the objects of its share of the photographs and writes their pictures; the lines of
the record come back through a pipe.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from multiprocessing.connection import Connection, wait
from pathlib import Path

import torch

from slotlight.discovery.discoverer import Discoverer
from slotlight.discovery.pictures import Pictures, discover_entries
from slotlight.discovery.record import Entry, Line
from slotlight.errors import OutputError, SlotlightError
from slotlight.files import RESUMES, writing_to


@dataclass(frozen=True)
class Work:
    """Everything that a worker needs; it is sent to another process.

    Attributes:
        load: Makes the model.
        pictures: Where they are written.
        batch_size: See `Discoverer.stream`, and so is ``seed``.
        threads: Of each worker.
        gpu: Whether the model may use one.
    """

    load: Callable[[], Discoverer]
    pictures: Pictures
    batch_size: int
    seed: int
    threads: int
    gpu: bool = False


def discover_in_workers(work: Work, entries: Sequence[Entry], workers: int) -> Iterator[Line]:
    """The lines of all photographs, as they are finished.

    Raises:
        SlotlightError: A worker was killed, or has failed; what is recorded stays.
    """
    context = multiprocessing.get_context("spawn")  # threads of torch do not survive a fork
    shares = _shares(entries, workers)
    started = []
    connections: list[Connection] = []
    try:
        for _ in range(workers):
            here, there = context.Pipe()
            process = context.Process(target=_run, args=(there, work), daemon=True)
            with _without_interrupts():
                process.start()
            there.close()  # so that the pipe ends with the worker
            started.append(process)
            connections.append(here)
        # Not among the arguments: writing many of these to a process that is killed before it reads them never ends.
        for worker, share in zip(connections, shares, strict=True):
            with _until_killed():
                worker.send(share)
        while connections:
            for connection in wait(connections):
                assert isinstance(connection, Connection)
                with _until_killed():
                    message: Line | SlotlightError | None = connection.recv()
                if message is None:
                    connections.remove(connection)
                elif isinstance(message, Line):
                    yield message
                else:
                    raise message
    finally:
        for process in started:
            process.terminate()
            process.join()


@contextmanager
def _until_killed() -> Iterator[None]:
    """Talk to a worker."""
    try:
        yield
    except (EOFError, ConnectionError):
        raise SlotlightError(
            "A worker process was killed, often because memory ran out; the same command resumes, and fewer --workers "
            "need less."
        ) from None


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Processes that start meanwhile never see Ctrl-C, not even in their imports; this one sees it afterwards."""
    if not hasattr(signal, "pthread_sigmask"):  # on Windows
        yield
        return
    former = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)


def _run(connection: Connection, work: Work) -> None:
    # Ctrl-C is for the process that started this one, which ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(work.threads)
    try:
        entries: Sequence[Entry] = connection.recv()
        found = discover_entries(
            work.load(), entries, work.pictures, batch_size=work.batch_size, seed=work.seed
        )
        for line in found:
            connection.send(line)
        connection.send(None)
    except (EOFError, ConnectionError):  # whoever started this process is gone
        os._exit(1)
    except OSError as fault:
        connection.send(_unwritten(work.pictures.folder, fault))
    except SlotlightError as fault:
        connection.send(fault)


def _unwritten(folder: Path, fault: OSError) -> SlotlightError:
    """What one process would have said."""
    try:
        with writing_to(folder, promise=RESUMES):
            raise fault
    except OutputError as said:
        return said


def _shares(entries: Sequence[Entry], workers: int) -> list[list[Entry]]:
    """Each worker's photographs: every n-th of them, but those that are read together stay together."""
    shares: list[list[Entry]] = [[] for _ in range(workers)]
    for number, (group, members) in enumerate(groupby(entries, key=lambda entry: entry.place.group)):
        if group:
            shares[number % workers] += members
        else:
            for place, entry in enumerate(members):
                shares[place % workers].append(entry)
    return shares


def threads_each(workers: int) -> int:
    """How many threads leave every worker the same share of the processor's cores."""
    return max(1, torch.get_num_threads() // workers)
