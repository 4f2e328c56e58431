"""One executor for every long job: order, resume, killed workers, killed runs, honest progress."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from permeability.core.errors import OptionError
from permeability.core.tasks import Progress, Store, content_hash, in_threads, run_tasks
from permeability.engines.omnidirectional import omnidirectional

RUN = """
import sys
import numpy as np
from permeability.engines.omnidirectional import omnidirectional

grid = 10 ** np.random.default_rng(5).uniform(0, 2, (60, 60))
result = omnidirectional(grid, radius=6, normalised=True, store=sys.argv[1], workers=2)
result.current.tofile(sys.argv[2])
result.normalised.tofile(sys.argv[2] + "n")
"""


def slow_square(x: float) -> float:
    time.sleep(0.002 * ((7 * int(x)) % 5))
    return x * x


def test_results_come_in_the_order_of_the_tasks() -> None:
    tasks = list(range(40))
    for workers in (1, 4):
        assert list(run_tasks(slow_square, tasks, workers=workers)) == [(k, k * k) for k in tasks]


def test_no_tasks_no_results() -> None:
    assert list(run_tasks(slow_square, [])) == []


def test_a_failure_reaches_the_caller_and_finished_work_stays(tmp_path: Path) -> None:
    def fussy(x: int) -> int:
        if x == 5:
            raise ZeroDivisionError("five")
        return x

    with pytest.raises(ZeroDivisionError, match="five"):
        list(run_tasks(fussy, list(range(8)), store=tmp_path))
    assert len(list(tmp_path.glob("*.task"))) >= 5
    assert not list(tmp_path.glob("*.part"))


def test_stored_tasks_are_not_run_again(tmp_path: Path) -> None:
    calls: list[int] = []

    def counted(x: int) -> int:
        calls.append(x)
        return -x

    first = list(run_tasks(counted, [1, 2, 3], store=tmp_path, label="a"))
    assert list(run_tasks(counted, [1, 2, 3], store=tmp_path, label="a")) == first
    assert calls == [1, 2, 3]
    list(run_tasks(counted, [3, 4], store=tmp_path, label="a"))
    assert calls == [1, 2, 3, 4]
    list(run_tasks(counted, [3], store=tmp_path, label="another method"))
    assert calls[-1] == 3


def test_a_damaged_file_is_computed_again(tmp_path: Path) -> None:
    list(run_tasks(slow_square, [3], store=tmp_path))
    (file,) = tmp_path.glob("*.task")
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    assert Store(tmp_path).load(file.stem) == (False, None)
    assert list(run_tasks(slow_square, [3], store=tmp_path)) == [(0, 9)]
    assert Store(tmp_path).load(file.stem) == (True, 9)


def test_threads_share_the_items_and_the_caller_takes_part() -> None:
    meet = threading.Barrier(3)
    seen: set[int] = set()

    def one(x: int) -> int:
        if x < 3:
            meet.wait(10)  # passes only with three threads at work at once
        seen.add(threading.get_ident())
        return x * x

    assert in_threads(one, list(range(20)), 3) == [x * x for x in range(20)]
    assert threading.get_ident() in seen
    assert in_threads(one, [], 3) == []


def test_the_first_failing_item_is_raised() -> None:
    late = threading.Event()

    def one(x: int) -> int:
        if x == 0:
            late.wait(10)
            raise KeyError("first")
        late.set()
        raise ValueError("second")

    with pytest.raises(KeyError, match="first"):
        in_threads(one, [0, 1, 2], 2)


def test_content_hash_sees_content_and_nothing_else() -> None:
    @dataclass(frozen=True)
    class Thing:
        name: str
        grid: np.ndarray

    grid = np.arange(12.0).reshape(3, 4)
    assert content_hash(Thing("a", grid)) == content_hash(Thing("a", grid.copy()))
    assert content_hash(Thing("a", grid)) == content_hash(Thing("a", np.asfortranarray(grid)))
    different = [
        Thing("b", grid),
        Thing("a", grid + 1),
        Thing("a", grid.astype("f4")),
        Thing("a", grid.reshape(4, 3)),
    ]
    assert len({content_hash(t) for t in [Thing("a", grid), *different]}) == 5
    assert content_hash([1, 2]) != content_hash([12])
    with pytest.raises(OptionError, match=r"W02.*no hash"):
        content_hash(threading.Lock())


def test_a_job_without_workers_is_refused() -> None:
    with pytest.raises(OptionError, match="W01"):
        list(run_tasks(slow_square, [1], workers=0))


def test_expected_time_follows_the_weights(tmp_path: Path) -> None:
    def work(x: float) -> float:
        time.sleep(x / 50)
        return x

    tasks = [1.0, 1.0, 8.0]
    list(run_tasks(work, tasks[:1], store=tmp_path, weights=[1]))
    seen: list[Progress] = []
    list(run_tasks(work, tasks, store=tmp_path, weights=tasks, progress=seen.append, key=lambda t: str(t)))
    assert [p.done for p in seen] == [1, 2, 3]
    assert seen[-1].remaining_s == 0
    assert seen[-1].share == 1
    # a fifth of the work is done: four times the time it took is still to come, not two tasks' worth
    assert seen[1].remaining_s == pytest.approx(4 * seen[1].elapsed_s)
    restored: list[Progress] = []
    list(
        run_tasks(work, tasks, store=tmp_path, weights=tasks, progress=restored.append, key=lambda t: str(t))
    )
    assert restored[-1].restored == 3
    assert restored[-1].elapsed_s < seen[-1].elapsed_s


def unbroken(tmp_path: Path) -> bytes:
    subprocess.run([sys.executable, "-c", RUN, str(tmp_path / "s0"), str(tmp_path / "whole")], check=True)
    return (tmp_path / "whole").read_bytes() + (tmp_path / "wholen").read_bytes()


def test_a_killed_run_goes_on_where_it_was_and_gives_the_same_bytes(tmp_path: Path) -> None:
    expected = unbroken(tmp_path)
    total = len(list((tmp_path / "s0").glob("*.task")))
    store, out = tmp_path / "s1", tmp_path / "resumed"
    run = subprocess.Popen([sys.executable, "-c", RUN, str(store), str(out)])
    while run.poll() is None and len(list(store.glob("*.task"))) < 4:
        time.sleep(0.002)
    if run.poll() is None:
        run.send_signal(signal.SIGKILL)
    run.wait()
    done = {
        p.name: p.stat().st_ino for p in store.glob("*.task")
    }  # a step that is done again is another file
    assert len(done) >= 4
    subprocess.run([sys.executable, "-c", RUN, str(store), str(out)], check=True)
    assert out.read_bytes() + (tmp_path / "resumedn").read_bytes() == expected
    after = {p.name: p.stat().st_ino for p in store.glob("*.task")}
    assert len(after) == total
    assert all(after[name] == when for name, when in done.items())  # nothing finished was done again


def wounded(task: tuple[int, str]) -> float:
    """A task during which its worker dies, the first time it is run."""
    number, mark = task
    if number == 5 and not os.path.exists(mark):
        with open(mark, "w", encoding="ascii"):
            pass
        os.kill(os.getpid(), signal.SIGKILL)
    return float(np.sqrt(number))


@pytest.mark.slow
def test_cluster_gives_the_same_bits_also_when_a_worker_dies(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    grid = 10 ** np.random.default_rng(3).uniform(0, 3, (70, 70))
    options = {"radius": 7, "normalised": True, "block_size": 1}
    alone = omnidirectional(grid, **options)
    threads = omnidirectional(grid, workers=3, **options)
    assert np.array_equal(alone.current, threads.current)
    with distributed.LocalCluster(4, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        victims = [w.process.pid for w in cluster.workers.values()]
        killed = threading.Event()

        def kill_one(progress: Progress) -> None:
            if progress.done == 2 and not killed.is_set():
                killed.set()
                os.kill(victims[1], signal.SIGKILL)

        with distributed.Client(cluster) as client:
            spread = omnidirectional(grid, scheduler=client, progress=kill_one, **options)
            mark = str(tmp_path / "dead")
            again = [r for _, r in run_tasks(wounded, [(k, mark) for k in range(12)], scheduler=client)]
        address, kept = cluster.scheduler_address, tmp_path / "kept"
        assert [r for _, r in run_tasks(abs, [-3, 4], scheduler=address, store=kept)] == [3, 4]
        assert len(list(kept.glob("*.task"))) == 2
    assert killed.is_set()
    assert again == [float(np.sqrt(k)) for k in range(12)]
    assert spread.current.tobytes() == alone.current.tobytes()
    assert spread.normalised is not None
    assert alone.normalised is not None
    assert spread.normalised.tobytes() == alone.normalised.tobytes()
