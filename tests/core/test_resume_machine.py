"""A job that is broken off, damaged and resumed in any order gives what an unbroken one gives, and does nothing twice."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from permeability.core.kept_results import read_kept
from permeability.core.tasks import run_tasks

TASKS = list(range(9))


class BrokenOff(Exception):
    """Somebody ended the job."""


class Jobs(RuleBasedStateMachine):
    """A store of steps beside the set of those that must be in it whole."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.whole: set[int] = set()
        self.made: list[int] = []
        self.stop_at: int | None = None

    def teardown(self) -> None:
        shutil.rmtree(getattr(self, "folder", Path("none")), ignore_errors=True)

    def work(self, task: int) -> tuple[float, object]:
        if task == self.stop_at:
            raise BrokenOff
        self.made.append(task)
        return 0.1 * task, np.arange(task) / 3

    def do(self, workers: int) -> None:
        self.made = []
        results = run_tasks(self.work, TASKS, workers=workers, store=self.folder, key=lambda t: f"{t}")
        for i, (number, parts) in results:
            assert number == 0.1 * i
            np.testing.assert_array_equal(parts, np.arange(i) / 3)

    @rule(workers=st.integers(1, 3))
    def run_to_the_end(self, workers: int) -> None:
        self.stop_at = None
        self.do(workers)
        assert sorted(self.made) == sorted(
            set(TASKS) - self.whole
        )  # nothing finished is done again, nothing is left out
        self.whole = set(TASKS)

    @rule(at=st.sampled_from(TASKS), workers=st.integers(1, 3))
    def break_off(self, at: int, workers: int) -> None:
        if at in self.whole:
            return
        self.stop_at = at
        try:
            self.do(workers)
        except BrokenOff:
            pass
        else:
            raise AssertionError("it should have been broken off")
        assert not set(self.made) & self.whole
        self.whole |= set(self.made)

    def files(self) -> list[Path]:
        return sorted(self.folder.glob("*.task"))

    @precondition(lambda self: len(self.files()) > 0)
    @rule(which=st.integers(0, 100), cut=st.integers(0, 200), flip=st.booleans())
    def damage(self, which: int, cut: int, flip: bool) -> None:
        file = self.files()[which % len(self.files())]
        data = bytearray(file.read_bytes())
        if flip:
            data[cut % len(data)] ^= 1
        else:
            del data[cut % len(data) :]
        lost = [t for t in self.whole if self.key_of(t) == file.stem]
        file.write_bytes(bytes(data))
        self.whole -= set(lost)

    @precondition(lambda self: len(self.files()) > 0)
    @rule(which=st.integers(0, 100))
    def take_away(self, which: int) -> None:
        file = self.files()[which % len(self.files())]
        self.whole -= {t for t in self.whole if self.key_of(t) == file.stem}
        file.unlink()

    @precondition(lambda self: len(self.files()) > 1)
    @rule(which=st.integers(0, 100), other=st.integers(0, 100))
    def swap(self, which: int, other: int) -> None:
        """A file under the name of another is not taken for it."""
        one, two = self.files()[which % len(self.files())], self.files()[other % len(self.files())]
        if one != two:
            shutil.copyfile(one, two)
            self.whole -= {t for t in self.whole if self.key_of(t) == two.stem}

    def key_of(self, task: int) -> str:
        from permeability.core.tasks import content_hash

        return content_hash(f"{type(self).work.__module__}.{type(self).work.__qualname__}", "", f"{task}")

    @invariant()
    def what_is_whole_can_be_read(self) -> None:
        for task in getattr(self, "whole", ()):
            data = (self.folder / f"{self.key_of(task)}.task").read_bytes()
            assert read_kept(data, self.key_of(task))[0]
        assert not list(self.folder.glob("*.part")) if hasattr(self, "folder") else True


TestJobs = Jobs.TestCase
TestJobs.settings = settings(
    max_examples=40, stateful_step_count=12, deadline=None, derandomize=True, database=None
)
