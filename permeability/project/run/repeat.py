"""Repeat a run from its record: the same inputs, the same bytes?"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from permeability.core.errors import ProjectError
from permeability.core.plain_text import printable
from permeability.core.progress import long_job
from permeability.core.texts import N_
from permeability.layers import whole_files
from permeability.locale.language import Words, words
from permeability.project.project import Project, open_project
from permeability.project.run.checksums import RECORD, read_record
from permeability.project.run.record import input_hashes, software
from permeability.project.run.result_differences import Difference, compare_results
from permeability.project.run.run import run_project

__all__ = ["Repeated", "rerun"]

REPORT = "report.html"


@dataclass(frozen=True)
class Repeated:
    """A run beside its repetition.

    Attributes
    ----------
    files : int
        Files of the first run, its record included.
    differing : tuple of str
        Files whose bytes are others now.
    software : tuple of str
        Versions that are others than at the first run.
    numbers : tuple of Difference or None
        Numbers of ``summary.json`` that differ; None when the first summary is not there any more.
    folder : pathlib.Path or None
        Where the repetition lies; None when it was not kept.

    Examples
    --------
    >>> Repeated(16, (), (), (), None).same
    True
    """

    files: int
    differing: tuple[str, ...]
    software: tuple[str, ...]
    numbers: tuple[Difference, ...] | None
    folder: Path | None

    @property
    def same(self) -> bool:
        """Whether every file has the same bytes."""
        return not self.differing

    def text(self, tr: Words | None = None) -> str:
        """What was found, a line each; in English, or in the words of ``tr``."""
        tr = words() if tr is None else tr
        lines = [tr(N_("other version: {what}"), what=word) for word in self.software]
        lines += [tr(N_("differs  {file}"), file=printable(name)) for name in self.differing]
        same = self.files - len(self.differing)
        lines.append(tr(N_("{n} of {all} files have the same bytes."), n=same, all=self.files))
        if self.differing:
            if self.numbers is None:
                lines.append(tr(N_("The first summary.json is not there to compare numbers with.")))
            else:
                lines += [d.text() for d in self.numbers[:50]]
                count = len(self.numbers)
                lines.append(tr(N_("{n} numbers of summary.json differ."), n=count) if count else tr(N_("No number of summary.json differs.")))  # fmt: skip
        return "\n".join(lines)


@long_job("repetition", "steps")
def rerun(
    record: str | Path,
    *,
    project: str | Path | None = None,
    out: str | Path | None = None,
    progress: Any = None,
    workers: int | None = None,
) -> Repeated:
    """Run a project again and compare every file with the checksums of the first run.

    Parameters
    ----------
    record : path
        ``record.json`` of the first run, or its result folder.
    project : path, optional
        Project file; by default the one of the record's name beside the result folder or above it.
    out : path, optional
        Where the repetition stays; a folder that vanishes by default.
    progress : bool, tqdm or callable, optional
        Whom to tell how far it is, see :mod:`permeability.core.progress`.
    workers : int, optional
        Threads; the bytes do not depend on them.

    Returns
    -------
    Repeated

    Raises
    ------
    ProjectError
        J06, J31 or J32 when the record cannot be used, J33 when the project file is not found, J34 when inputs are others
        than at the first run.
    OptionError
        O02 when ``out`` holds something else.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run = pm.run_project(pm.samples.tiny_project(f"{folder}/tiny"), f"{folder}/tiny/results", report=False)
    ...     pm.rerun(run.folder).same
    True
    """
    path, told = read_record(record)
    opened = open_project(_project_file(path, told, project))
    changed = list(_changed_inputs(told, opened))
    if changed:
        raise ProjectError(
            "J34", "inputs are others than at the first run; a repetition would not be one.", rows=changed,
            remedy="bring back the files of the first run, or make a new run",
        )  # fmt: skip
    if out is not None:
        return _repeat(path, told, opened, Path(out), True, progress, workers)
    with tempfile.TemporaryDirectory(prefix="permeability-rerun-") as folder:
        return _repeat(path, told, opened, Path(folder) / "results", False, progress, workers)


def _repeat(
    path: Path,
    told: dict[str, Any],
    project: Project,
    folder: Path,
    kept: bool,
    progress: Callable[[str, int, int], None] | None,
    workers: int | None,
) -> Repeated:
    """The run, and what its files say."""
    if folder.resolve() == path.parent.resolve():
        raise ProjectError(
            "J35", "the repetition would replace what it is compared with.", remedy="name another folder (--out)"
        )  # fmt: skip
    sums = told["checksums"]
    run_project(project, folder, progress=progress, report=REPORT in sums, workers=workers)
    _, now = read_record(folder)
    differing = [
        n for n in sorted(set(sums) | set(now["checksums"])) if sums.get(n) != now["checksums"].get(n)
    ]
    if whole_files.sha256(path) != whole_files.sha256(folder / RECORD):
        differing.append(RECORD)
    first = path.parent / "summary.json"
    numbers = tuple(compare_results(first, folder)) if first.is_file() else None
    return Repeated(
        len(sums) + 1,
        tuple(differing),
        tuple(_other_versions(told)),
        numbers,
        folder if kept else None,
    )


def _project_file(path: Path, told: dict[str, Any], given: str | Path | None) -> Path:
    """The project file of a record."""
    if given is not None:
        return Path(given)
    mentioned = told.get("project_file")
    name = Path(str(mentioned.get("name", ""))).name if isinstance(mentioned, dict) else ""
    for folder in (path.parent.parent, path.parent):
        if name and (folder / name).is_file():
            return folder / name
    raise ProjectError(
        "J33", f"the project file {name!r} of this record is neither beside its folder nor in it." if name else "the record is of a project made in Python.",
        remedy="name the project file (--project)",
    )  # fmt: skip


def _changed_inputs(told: dict[str, Any], project: Project) -> Iterator[str]:
    """Inputs whose hash is not the one of the record."""
    before = told.get("inputs")
    now = input_hashes(project)
    before = before if isinstance(before, dict) else {}
    for name in sorted(set(before) | set(now)):
        if before.get(name) != now.get(name):
            yield f"{name}{'' if name in before else ' (new)'}{'' if name in now else ' (not used any more)'}"


def _other_versions(told: dict[str, Any]) -> Iterator[str]:
    """Versions that are others now, such as ``numpy 2.3.1, now 2.4.0``."""
    noted = told.get("software")
    before, now = noted if isinstance(noted, dict) else {}, software()
    for name in sorted(set(before) | set(now)):
        if before.get(name) != now.get(name):
            yield f"{name} {before.get(name, 'absent')}, now {now.get(name, 'absent')}"
