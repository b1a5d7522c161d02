"""Where tasks run: in this process, or in a pool of processes. A task is a picklable value, never a compiled kernel."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Protocol, TypeVar

Task = TypeVar("Task")
Out = TypeVar("Out")


class Executor(Protocol):
    """Runs a function on tasks and yields (index of the task, what the function returned), in the order of completion."""

    def run(self, function: Callable[[Task], Out], tasks: Sequence[Task]) -> Iterator[tuple[int, Out]]: ...


class Serial:
    """One task after the other, in this process."""

    def run(self, function: Callable[[Task], Out], tasks: Sequence[Task]) -> Iterator[tuple[int, Out]]:
        for i, task in enumerate(tasks):
            yield i, function(task)


class Pool:
    """A pool of fresh processes, one BLAS thread in each."""

    def __init__(self, processes: int) -> None:
        self.processes = processes

    def run(self, function: Callable[[Task], Out], tasks: Sequence[Task]) -> Iterator[tuple[int, Out]]:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(self.processes, mp_context=context, initializer=_as_worker) as pool:
            futures = {pool.submit(function, task): i for i, task in enumerate(tasks)}
            try:
                for future in as_completed(futures):
                    yield futures[future], future.result()
            except BaseException:  # also Ctrl-C: what runs is not waited for
                pool.shutdown(wait=False, cancel_futures=True)
                for child in multiprocessing.active_children():
                    child.terminate()
                raise


def _as_worker() -> None:
    """Ctrl-C is for the parent, which ends its workers; arrays of a worker stay on one core."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"


def default_executor(jobs: int | None = None) -> Executor:
    """A pool of `jobs` processes (as many as cores, at most 8, if not given); this process if that is one."""
    count = jobs or min(8, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    return Serial() if count == 1 else Pool(count)
