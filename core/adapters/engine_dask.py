"""Tasks on a cluster of Dask distributed (https://distributed.dask.org).

The scheduler gives the task of a worker that dies to another one. When this process dies, what it asked for is dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, nullcontext
from itertools import islice
from typing import Any, TypeVar

import distributed

from ..errors import Transient
from .engine_clusters import MANAGERS, started

T = TypeVar("T")
R = TypeVar("R")

TASKS_A_THREAD = 3
"""Asked for at a time for each thread of the workers: one is being done, the others wait beside it."""

RETRIES = 2
PATIENCE_SECONDS = 30.0
STARTING_SECONDS = 600.0
"""Until the first worker is there: machines of a cluster that is started for the run have to start, too."""


class DaskEngine:
    """The cluster of one scheduler. `map` is used from one thread at a time."""

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - distributed is not typed
        self._client = client

    def map(self, task: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """What `task` makes of each item, in the order in which they are finished; raises Transient, or as the task."""
        waiting = iter(items)
        first = [self._ask(task, item) for item in islice(waiting, self._room())]
        asked = distributed.as_completed(first, loop=self._client.loop)
        try:
            for future in asked:
                yield self._result(future)
                for item in islice(waiting, max(0, self._room() - asked.count())):
                    asked.add(self._ask(task, item))
        finally:
            self._client.cancel(list(asked.futures), force=True)

    def _ask(self, task: Callable[[T], R], item: T) -> Any:  # noqa: ANN401 - as above
        return self._client.submit(task, item, pure=False, retries=RETRIES)

    def _room(self) -> int:
        threads: dict[str, int] = self._client.nthreads()
        return TASKS_A_THREAD * max(1, sum(threads.values()))

    @staticmethod
    def _result(future: Any) -> Any:  # noqa: ANN401 - of the task's own type
        try:
            return future.result()
        except (distributed.KilledWorker, CancelledError, OSError) as error:
            raise Transient(f"the engine lost a task: {error}; run again, and what is done stays done.") from error


@contextmanager
def open_dask(url: str) -> Iterator[DaskEngine]:
    """The engine of a scheduler's URL, or of a cluster that is started for as long as the `with` lasts.

    Raises Transient if it cannot be reached or has no worker, and as `engine_clusters.started`.
    """
    with _client(url) as client:
        yield DaskEngine(client)


@contextmanager
def joblib_on(url: str) -> Iterator[None]:
    """Inside of the `with`, joblib does its work on the workers of the engine at `url`; raises as `open_dask`.

    Workers run with one thread of OpenMP and BLAS each, which is what Dask's nannies set.
    """
    from joblib import parallel_config  # noqa: PLC0415 - what trains has it, what scores need not

    with _client(url) as client, parallel_config("dask", n_jobs=-1, client=client):
        yield


@contextmanager
def _client(url: str) -> Iterator[Any]:
    starts = url.partition("://")[0] in MANAGERS
    with started(url) if starts else nullcontext(url) as where:
        try:
            client = distributed.Client(where, timeout=PATIENCE_SECONDS, set_as_default=False)
        except (OSError, TimeoutError) as error:
            raise Transient(f"engine {url!r} cannot be reached: {error}.") from error
        with client:
            try:
                client.wait_for_workers(1, timeout=STARTING_SECONDS if starts else PATIENCE_SECONDS)
            except (OSError, TimeoutError) as error:
                raise Transient(f"engine {url!r} has no worker: {error}.") from error
            yield client
