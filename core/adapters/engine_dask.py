"""Tasks on a cluster of Dask distributed (https://distributed.dask.org), which somebody else runs.

The scheduler gives the task of a worker that dies to another one. When this process dies, what it asked for is dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

import distributed

from ..errors import Transient

T = TypeVar("T")
R = TypeVar("R")

TASKS_A_THREAD = 3
"""Asked for at a time for each thread of the workers: one is being done, the others wait beside it."""

RETRIES = 2
PATIENCE_SECONDS = 30.0


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


def open_dask(url: str) -> DaskEngine:
    """The engine of a scheduler's URL; raises Transient if it cannot be reached, or has no worker."""
    return DaskEngine(_client(url))


@contextmanager
def joblib_on(url: str) -> Iterator[None]:
    """Inside of the `with`, joblib does its work on the workers of the scheduler at `url`; raises as `open_dask`.

    Workers run with one thread of OpenMP and BLAS each, which is what Dask's nannies set.
    """
    from joblib import parallel_config  # noqa: PLC0415 - what trains has it, what scores need not

    client = _client(url)
    try:
        with parallel_config("dask", n_jobs=-1, client=client):
            yield
    finally:
        client.close()


def _client(url: str) -> Any:  # noqa: ANN401 - as above
    try:
        client = distributed.Client(url, timeout=PATIENCE_SECONDS, set_as_default=False)
        client.wait_for_workers(1, timeout=PATIENCE_SECONDS)
    except (OSError, TimeoutError) as error:
        raise Transient(f"engine {url!r} cannot be reached, or has no worker: {error}.") from error
    return client
