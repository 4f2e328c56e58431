"""One way to run every long job: tasks in, results out in the order of the tasks.

A job is cut into tasks that do not depend on the number of workers.  Results come back in the order of the
tasks, so that a sum over them has the same bits on one thread, on four processes of a cluster, and after a
worker has died.  With a ``store`` every finished task is written under the hash of its content; a run that
was killed takes up there.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from permeability.core.disk_room import room_refused
from permeability.core.errors import OptionError
from permeability.core.kept_results import read_kept, write_kept

__all__ = ["Progress", "RunOn", "Store", "content_hash", "run_tasks"]

Task = TypeVar("Task")
Result = TypeVar("Result")

CONNECT_S = 10  # how long a scheduler is waited for
AHEAD = 2  # tasks handed out per worker: the one it works on and the next


@dataclass(frozen=True)
class Progress:
    """How far a job has come.

    Attributes
    ----------
    done, total : int
        Tasks.
    restored : int
        Tasks of ``done`` that were found in the store.
    share : float
        Work done, 0..1, by the weights of the tasks.
    elapsed_s : float
        Time since the start [s].
    remaining_s : float or None
        Expected time to go [s], from the work done in this run so far; None before the first task is
        finished: nothing is known then.

    Examples
    --------
    >>> seen = []
    >>> _ = list(run_tasks(abs, [-1, -2], progress=seen.append))
    >>> seen[-1].done, seen[-1].total
    (2, 2)
    """

    done: int
    total: int
    restored: int
    share: float
    elapsed_s: float
    remaining_s: float | None


def content_hash(*parts: object) -> str:
    """Hash of the content of plain values, arrays, tuples, mappings and dataclasses.

    Equal content gives equal text on every machine; the order of a mapping does not matter.

    Parameters
    ----------
    *parts : object

    Returns
    -------
    str
        Hexadecimal.

    Raises
    ------
    OptionError
        For an object whose content cannot be told (W02).

    Examples
    --------
    >>> content_hash({"a": 1, "b": 2.0}) == content_hash({"b": 2.0, "a": 1})
    True
    >>> content_hash(1) == content_hash(1.0)
    False
    """
    state = hashlib.sha256()
    for part in parts:
        _feed(state, part)
    return state.hexdigest()


def _feed(state: Any, part: object) -> None:
    if isinstance(part, np.ndarray):
        state.update(f"array {part.dtype.str} {part.shape};".encode())
        state.update(np.ascontiguousarray(part).view(np.uint8).reshape(-1).data if part.size else b"")
    elif part is None or isinstance(part, (bool, int, str, bytes, Path, np.bool_, np.integer)):
        state.update(f"{type(part).__name__} {part!r};".encode())
    elif isinstance(part, (float, np.floating)):
        state.update(b"float " + struct.pack("<d", float(part)))
    elif isinstance(part, (tuple, list)):
        state.update(f"list {len(part)};".encode())
        for item in part:
            _feed(state, item)
    elif isinstance(part, Mapping):
        state.update(f"mapping {len(part)};".encode())
        for key in sorted(part, key=repr):
            _feed(state, (key, part[key]))
    elif is_dataclass(part) and not isinstance(part, type):
        state.update(f"{type(part).__qualname__};".encode())
        for item in fields(part):
            _feed(state, (item.name, getattr(part, item.name)))
    else:
        raise OptionError(
            "W02",
            f"the content of a {type(part).__name__} has no hash.",
            remedy="hand over plain values, arrays or dataclasses of them, or give key=",
        )


class Store:
    """Finished tasks in a folder, one file each; a file is whole or not there.

    A file holds numbers in a form that cannot run (:mod:`permeability.core.kept_results`), never a pickle; a file that is
    damaged, of another form or under another name counts as not there, and its task is done again.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = Store(folder)
    ...     store.save("a", 42)
    ...     store.load("a"), store.load("b")
    ((True, 42), (False, None))
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)

    def path(self, key: str) -> Path:
        """File of a task."""
        return self.folder / f"{key}.task"

    def load(self, key: str) -> tuple[bool, Any]:
        """(found, result); a damaged file counts as not found.  A file that is found is marked as used now."""
        try:
            data = self.path(key).read_bytes()
        except FileNotFoundError:
            return False, None
        with contextlib.suppress(OSError):
            os.utime(self.path(key))
        return read_kept(data, key)

    def save(self, key: str, result: object) -> None:
        """Write a result; it appears under its name only when it is complete; W04 for one that cannot be kept, O12 without room.

        It is not brought onto the disk at once: what a loss of power cuts short fails its checksum and is done again.
        """
        data = write_kept(result, key)
        part = self.folder / f"{key}.{os.getpid()}.{threading.get_ident()}.part"
        try:
            with room_refused(self.path(key)):
                part.write_bytes(data)
            os.replace(part, self.path(key))
        finally:
            part.unlink(missing_ok=True)


def run_tasks(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    *,
    workers: int = 1,
    scheduler: Any = None,
    store: str | os.PathLike[str] | None = None,
    label: str = "",
    key: Callable[[Task], str] | None = None,
    weights: Sequence[float] | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Iterator[tuple[int, Result]]:
    """Run ``function`` on every task; yield (number of the task, result) in the order of the tasks.

    Parameters
    ----------
    function : callable
        Of one task; a function of a module when a scheduler is used.
    tasks : sequence
        Asked for one by one, so that a sequence may build its items when they are needed.
    workers : int
        Threads on this machine, or processes of a cluster that is started for this job
        (``scheduler="local"``).
    scheduler : str or distributed.Client, optional
        Address of a running ``dask.distributed`` scheduler, a client, or ``"local"``.  Workers may die and
        come back in mid-run.
    store : path, optional
        Folder in which finished tasks are kept and looked up.
    label : str
        Part of the key of stored tasks, such as the name and version of the method.
    key : callable, optional
        Key of a task in the store; default: :func:`content_hash` of the task.
    weights : sequence of float, optional
        Expected work of each task, in any unit, for the expected time; default: all alike.
    progress : callable, optional
        Called with a :class:`Progress` whenever a task is finished.

    Yields
    ------
    tuple
        (index, result).

    Raises
    ------
    OptionError
        For fewer than one worker (W01), tasks without a hash (W02), or results that a store cannot keep (W04).

    Examples
    --------
    >>> [result for _, result in run_tasks(abs, [-1, 2, -3], workers=2)]
    [1, 2, 3]
    """
    if workers < 1:
        raise OptionError("W01", f"workers = {workers}: at least one is needed.", remedy="workers=1 or more")
    job = _Job(function, tasks, Store(store) if store is not None else None, label, key, weights, progress)
    with _pool(workers, scheduler) as pool:
        yield from job.run(pool)


@dataclass(frozen=True)
class RunOn:
    """On what a long job runs, what it keeps and whom it tells; for jobs that are made of jobs.

    Attributes
    ----------
    workers : int
        Threads, or processes of a cluster.
    scheduler : str or distributed.Client, optional
    store : path, optional
        All three as for :func:`run_tasks`.
    progress : callable, optional
        Called with (done, all).

    Examples
    --------
    >>> told = []
    >>> on = RunOn(workers=2, progress=lambda done, total: told.append((done, total)))
    >>> [result for _, result in on.part(1, 3).tasks(abs, [-1, 2])], told
    ([1, 2], [(2, 3), (3, 3)])
    """

    workers: int = 1
    scheduler: Any = None
    store: str | os.PathLike[str] | None = None
    progress: Callable[[int, int], None] | None = None

    def telling(self, progress: Callable[[int, int], None] | None) -> RunOn:
        """The same, telling somebody else."""
        return replace(self, progress=progress)

    def part(self, before: int, total: int) -> RunOn:
        """The same for one part of a longer job, of which some is done ``before``."""
        tell = self.progress
        return self.telling(None if tell is None else lambda done, _: tell(before + done, total))

    def share(self, k: int, of: int) -> RunOn:
        """The same for the ``k``-th (from 0) of several jobs that are alike."""
        tell = self.progress
        return self.telling(None if tell is None else lambda done, total: tell(k * total + done, of * total))

    def tasks(
        self, function: Callable[[Task], Result], tasks: Sequence[Task], **options: Any
    ) -> Iterator[tuple[int, Result]]:
        """:func:`run_tasks` on this; tells after every result that was taken."""
        every = run_tasks(
            function, tasks, workers=self.workers, scheduler=self.scheduler, store=self.store, **options
        )
        for i, result in every:
            yield i, result
            if self.progress is not None:
                self.progress(i + 1, len(tasks))


HERE = RunOn()  # one thread, nothing kept, nobody told


def in_threads(function: Callable[[Task], Result], items: Sequence[Task], workers: int) -> list[Result]:
    """``function`` of every item, on threads of this process; the calling thread takes part.

    For a handful of short tasks that release the interpreter's lock, where the start of a pool would be felt: one
    thread fewer is started, and nothing is queued.  Long jobs go through :func:`run_tasks`.

    Parameters
    ----------
    function : callable
    items : sequence
    workers : int
        Threads at work, the calling one included.

    Raises
    ------
    Exception
        What the first failing item (in the order of the items) raised; items not yet begun are left out.

    Examples
    --------
    >>> in_threads(abs, [-1, 2, -3], 2)
    [1, 2, 3]
    """
    if workers <= 1 or len(items) <= 1:
        return [function(item) for item in items]
    results: dict[int, Result] = {}
    failed: dict[int, BaseException] = {}
    turn = iter(range(len(items)))  # next() of it is atomic

    def work() -> None:
        for k in turn:
            if failed:
                return
            try:
                results[k] = function(items[k])
            except BaseException as error:
                failed[k] = error

    others = [threading.Thread(target=work, daemon=True) for _ in range(min(workers, len(items)) - 1)]
    for thread in others:
        thread.start()
    work()
    for thread in others:
        thread.join()
    if failed:
        raise failed[min(failed)]
    return [results[k] for k in range(len(items))]


class _Threads:
    """Threads of this process; a task is stored by the thread that finished it."""

    stores = True

    def __init__(self, workers: int) -> None:
        self.slots = workers * AHEAD
        self.pool = ThreadPoolExecutor(workers, thread_name_prefix="permeability")

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return self.pool.submit(function, *arguments)

    def wait(self, futures: list[Any]) -> list[Any]:
        done: set[Future[Any]] = wait(futures, return_when=FIRST_COMPLETED).done
        return list(done)

    def cancel(self, futures: list[Any]) -> None:
        for future in futures:
            future.cancel()

    def close(self) -> None:
        self.pool.shutdown(wait=True, cancel_futures=True)


def _client(distributed: Any, scheduler: str) -> Any:
    """A connection to a running scheduler.

    Whether somebody listens there is asked before a client is made: a client of dask that fails halfway, as one does for
    a scheme that it does not know, leaves its event loop behind, and now and then never returns.
    """
    try:
        scheme, place = distributed.comm.addressing.parse_address(scheduler)
        distributed.comm.registry.get_backend(scheme)
        if scheme in ("tcp", "tls"):
            socket.create_connection(
                distributed.comm.addressing.parse_host_port(place), timeout=CONNECT_S
            ).close()
        return distributed.Client(scheduler, timeout=CONNECT_S)
    except Exception as nobody:  # dask raises what its transport does, assertions included
        raise OptionError(
            "W05", f"no scheduler answers at {scheduler!r}: {str(nobody).splitlines()[0] if str(nobody) else nobody!r}",
            remedy="give the address of a running dask scheduler, such as tcp://10.0.0.1:8786, or local",
        ) from nobody  # fmt: skip


class _Cluster:
    """Workers of dask.distributed; tasks are stored on this side as they come in."""

    stores = False

    def __init__(self, workers: int, scheduler: Any) -> None:
        try:
            dask: Any = importlib.import_module("dask")
            distributed: Any = importlib.import_module("distributed")
        except ImportError as missing:
            raise OptionError(
                "W03",
                "scheduler= needs dask.distributed, which is not installed.",
                remedy="pip install 'landscape-permeability[dask]', or leave scheduler out",
            ) from missing
        # Tasks travel inside the graph, so that they outlive the worker they were first sent to.
        self.quiet: Any = dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GB"})
        self.cluster: Any = None
        self.client: Any
        self.own = not hasattr(scheduler, "submit")
        if scheduler == "local":
            self.cluster = distributed.LocalCluster(
                n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None
            )
            self.client = distributed.Client(self.cluster)
        else:
            self.client = _client(distributed, scheduler) if self.own else scheduler
        self.slots = max(1, sum(self.client.nthreads().values())) * AHEAD
        self.first: Any = distributed.wait
        self.sent: dict[Any, Any] = {}

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Any:
        if not _carries(function):
            return self.client.submit(function, *arguments, pure=False)
        # What a function holds travels once, as a task of its own that is taken up again when its worker dies.
        if function not in self.sent:
            self.sent[function] = self.client.submit(_itself, function, pure=False)
        return self.client.submit(_call, self.sent[function], *arguments, pure=False)

    def wait(self, futures: list[Any]) -> list[Any]:
        return list(self.first(futures, return_when="FIRST_COMPLETED").done)

    def cancel(self, futures: list[Any]) -> None:
        self.client.cancel(futures)

    def close(self) -> None:
        self.sent.clear()
        if self.own:
            self.client.close()
        if self.cluster is not None:
            self.cluster.close()
        self.quiet.__exit__(None, None, None)


def _carries(function: Callable[..., Any]) -> bool:
    """Whether a function holds more than its name: a closure, a method, an object that can be called."""
    return getattr(function, "__closure__", None) is not None or not hasattr(function, "__code__")


def _itself(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


def _call(function: Callable[..., Any], *arguments: Any) -> Any:
    return function(*arguments)


@contextlib.contextmanager
def connected(scheduler: Any, workers: int = 1) -> Iterator[Any]:
    """One connection for several calls of :func:`run_tasks`: what to hand over as their ``scheduler``.

    Parameters
    ----------
    scheduler : str, distributed.Client or None
        As for :func:`run_tasks`; None = threads, nothing is opened.
    workers : int
        Processes, when a cluster is started (``"local"``).

    Yields
    ------
    distributed.Client or None

    Raises
    ------
    OptionError
        W03 when dask.distributed is not installed, W05 when nobody answers at the address.

    Examples
    --------
    >>> with connected(None) as scheduler:
    ...     [result for _, result in run_tasks(abs, [-4], scheduler=scheduler)]
    [4]
    """
    if scheduler is None:
        yield None
        return
    cluster = _Cluster(workers, scheduler)
    try:
        yield cluster.client
    finally:
        cluster.close()


@contextlib.contextmanager
def _pool(workers: int, scheduler: Any) -> Iterator[_Threads | _Cluster]:
    pool = _Threads(workers) if scheduler is None else _Cluster(workers, scheduler)
    try:
        yield pool
    finally:
        pool.close()


def _run_and_store(function: Callable[[Any], Any], task: Any, store: Store, key: str) -> Any:
    result = function(task)
    store.save(key, result)
    return result


class _Job:
    """Bookkeeping of one run: what is stored, in flight, waiting for its turn."""

    def __init__(
        self,
        function: Callable[[Any], Any],
        tasks: Sequence[Any],
        store: Store | None,
        label: str,
        key: Callable[[Any], str] | None,
        weights: Sequence[float] | None,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self.function, self.tasks, self.store, self.report = function, tasks, store, progress
        name = f"{function.__module__}.{getattr(function, '__qualname__', function)}"
        self.name, self.label, self.task_key = name, label, key
        self.weights = np.ones(len(tasks)) if weights is None else np.asarray(weights, dtype=float)
        self.begun = time.perf_counter()
        self.done = self.restored = 0
        self.worked = self.found = 0.0

    def run(self, pool: _Threads | _Cluster) -> Iterator[tuple[int, Any]]:
        """Hand out tasks ahead of the one whose turn it is; yield in order."""
        flying: dict[Any, tuple[int, str]] = {}
        ready: dict[int, Any] = {}
        turn = following = 0
        try:
            while turn < len(self.tasks):
                # ``ready`` is bounded too: one slow task must not let the others pile up without end
                while (
                    following < len(self.tasks) and len(flying) < pool.slots and len(ready) < 8 * pool.slots
                ):
                    self._hand_out(pool, following, flying, ready)
                    following += 1
                if turn not in ready:
                    self._collect(pool, flying, ready)
                while turn in ready:
                    yield turn, ready.pop(turn)
                    turn += 1
        finally:
            pool.cancel(list(flying))

    def key(self, task: Any) -> str:
        """Name of a task in the store."""
        return content_hash(self.name, self.label, self.task_key(task) if self.task_key else task)

    def _hand_out(self, pool: Any, index: int, flying: dict[Any, Any], ready: dict[int, Any]) -> None:
        task, key = self.tasks[index], ""
        if self.store is not None:
            key = self.key(task)
            found, result = self.store.load(key)
            if found:
                ready[index] = result
                self.restored += 1
                self.found += float(self.weights[index])
                self._finished(index, 0.0)
                return
        if self.store is not None and pool.stores:
            future = pool.submit(_run_and_store, self.function, task, self.store, key)
        else:
            future = pool.submit(self.function, task)
        flying[future] = index, key

    def _collect(self, pool: Any, flying: dict[Any, Any], ready: dict[int, Any]) -> None:
        for future in pool.wait(list(flying)):
            index, key = flying.pop(future)
            result = future.result()
            if self.store is not None and not pool.stores:
                self.store.save(key, result)
            ready[index] = result
            self._finished(index, float(self.weights[index]))

    def _finished(self, index: int, work: float) -> None:
        self.done += 1
        self.worked += work
        if self.report is None:
            return
        total, elapsed = float(self.weights.sum()), time.perf_counter() - self.begun
        left = total - self.worked - self.found
        self.report(
            Progress(
                self.done,
                len(self.tasks),
                self.restored,
                (self.worked + self.found) / total if total > 0 else 1.0,
                elapsed,
                elapsed * left / self.worked if self.worked > 0 else None,
            )
        )
