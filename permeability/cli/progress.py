"""How far a long job is, on stderr."""

from __future__ import annotations

import sys
from typing import Any

import click

from permeability.cli.streams import as_json, event, reader, tell
from permeability.core.texts import N_

__all__ = ["Expected", "Progress"]

MANY = 50  # parts of a step from which its share is told


STEPS = {
    "species": N_("species"), "impact": N_("impact"), "ranking": N_("ranking"), "draws": N_("draws"), "scenarios": N_("scenarios"),
    "choice": N_("choice"), "tracks": N_("tracks"), "report": N_("report"), "grids": N_("grids"), "pairs": N_("pairs"), "windows": N_("windows"),
}  # fmt: skip


def in_words(step: str) -> str:
    """What a step of a job is called, in the reader's language.

    >>> in_words("khulan: draws")
    'khulan: draws'
    """
    who, colon, what = step.rpartition(": ")
    return f"{who}{colon}{reader()(STEPS[what])}" if what in STEPS else step


class Progress:
    """How far each step is: a line that is rewritten on a terminal, else a line for every fifth of a step."""

    def __init__(self) -> None:
        self.bar: Any = None
        self.step, self.share = "", -1
        self.told: dict[str, int] = {}  # of every step; steps may take turns
        self.visible = sys.stderr is not None and sys.stderr.isatty()

    def __call__(self, step: str, done: int, total: int) -> None:
        """Called by long jobs with (step, done, all)."""
        if as_json():
            share = 100 * done // max(total, 1)
            if (step, share) != (self.step, self.share):
                self.step, self.share = step, share
                event("progress", step=step, done=int(done), total=int(total))
            return
        step = in_words(step)
        if not self.visible:
            fifth = 5 * done // max(total, 1)
            if step not in self.told:
                self.told[step] = 0
                tell(f"... {step}")
            if fifth > self.told[step] and total >= MANY:
                self.told[step] = fifth
                tell(f"... {step}: {20 * fifth} %")
            return
        from tqdm import tqdm

        if step != self.step:
            self.close()
            self.step, self.bar = step, tqdm(total=total, desc=step, leave=False, file=sys.stderr)
        self.bar.update(done - self.bar.n)

    def close(self) -> None:
        """Take the last bar away."""
        if self.bar is not None:
            self.bar.close()
            self.bar = None


class Expected:
    """How far a long job is and how long it will take, on stderr: a line that is rewritten on a terminal, else a line
    for every tenth of the work."""

    def __init__(self, what: str) -> None:
        self.what, self.told, self.visible = what, -1, sys.stderr is not None and sys.stderr.isatty()

    def __call__(self, progress: Any) -> None:
        """Called with a :class:`permeability.core.tasks.Progress` after every task."""
        if as_json():
            event(
                "progress",
                step=self.what,
                done=int(progress.done),
                total=int(progress.total),
                seconds_left=progress.remaining_s,
            )
            return
        from permeability.project.run.effort import duration_said

        tenth = int(10 * progress.share + 1e-9)
        if not self.visible and tenth == self.told:
            return
        self.told = tenth
        tr = reader()
        kept = (
            tr(N_(", {n} of them from an earlier run"), n=tr.number(progress.restored))
            if progress.restored
            else ""
        )
        left = (
            tr(N_("; {time} to go"), time=tr.said(duration_said(progress.remaining_s)))
            if progress.remaining_s
            else ""
        )
        text = (
            tr(
                N_("{what}: {n} of {all} blocks"),
                what=tr(self.what),
                n=f"{progress.done:,}",
                all=f"{progress.total:,}",
            )
            + kept
            + left
        )
        if self.visible:
            click.echo(f"\r{text:<78}", err=True, nl=progress.done == progress.total)
        else:
            tell(text)
