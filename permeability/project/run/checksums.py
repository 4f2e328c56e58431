"""Checksums of a result folder: written with its record, and looked at again by whoever is handed the folder."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from permeability.core.errors import ProjectError
from permeability.core.plain_text import printable
from permeability.core.texts import N_
from permeability.layers import whole_files
from permeability.locale.language import Words, words

__all__ = ["RECORD_VERSION", "Verified", "read_record", "verify_results"]

RECORD = "record.json"
RECORD_VERSION = 1  # of data/schema/record.schema.json; raised when a key changes its meaning or goes
MOST_RECORD_BYTES = 1 << 30
SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Verified:
    """A result folder against the checksums of its record.

    Attributes
    ----------
    folder : pathlib.Path
    record_sha256 : str
        Of ``record.json`` itself, which no record can hold: keep it apart from the folder.
    files : int
        Files that the record names.
    changed, missing, extra : tuple of str
        Files with other bytes, files that are not there, and files that the run did not write.

    Examples
    --------
    >>> Verified(Path("results"), "0" * 64, 3, ("sites.csv",), (), ("notes.txt",)).ok
    False
    """

    folder: Path
    record_sha256: str
    files: int
    changed: tuple[str, ...]
    missing: tuple[str, ...]
    extra: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether every file of the record is there with its bytes; files beside them do not count."""
        return not self.changed and not self.missing

    def text(self, tr: Words | None = None) -> str:
        """A line for every file that is not as it was, and what it comes to; in English, or in the words of ``tr``."""
        tr = words() if tr is None else tr
        kinds = ((N_("changed"), self.changed), (N_("missing"), self.missing), (N_("extra"), self.extra))
        lines = [f"{tr(what):<8} {printable(name)}" for what, names in kinds for name in names]
        same = self.files - len(self.changed) - len(self.missing)
        lines.append(tr(N_("{n} of {all} files are as the run wrote them."), n=same, all=self.files))
        if self.extra:
            lines.append(
                tr(N_("Extra files were not written by the run; nothing in the results rests on them."))
            )
        lines.append(tr(N_("SHA-256 of {file}: {sum}"), file=RECORD, sum=self.record_sha256))
        return "\n".join(lines)


def seal(folder: Path) -> None:
    """Write the checksums of all files of a finished result folder into its record; the last thing a run does."""
    path = folder / RECORD
    record = json.loads(path.read_text(encoding="utf-8"))
    sums = {name: _sum(folder / name) for name in _names(folder) if name != RECORD}
    whole_files.write_json(path, record | {"record_version": RECORD_VERSION, "checksums": sums})


def _sum(path: Path) -> dict[str, Any]:
    return {"bytes": path.stat().st_size, "sha256": whole_files.sha256(path)}


def _names(folder: Path) -> Iterator[str]:
    """Everything in a folder but folders, by relative name; links are not followed."""
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_dir():
            yield path.relative_to(folder).as_posix()


def read_record(results: str | Path) -> tuple[Path, dict[str, Any]]:
    """The record of a result folder, with its checksums.

    Parameters
    ----------
    results : path
        Result folder, or its ``record.json``.

    Returns
    -------
    tuple[pathlib.Path, dict]
        File and content.

    Raises
    ------
    ProjectError
        J06 when there is no record or it cannot be read, J31 when it has no checksums, J32 when it names a file
        outside its folder.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run = pm.run_project(pm.samples.tiny_project(f"{folder}/tiny"), f"{folder}/results", report=False)
    ...     path, record = read_record(run.folder)
    >>> path.name, record["record_version"], "summary.json" in record["checksums"]
    ('record.json', 1, True)
    """
    place = Path(results)
    path = place / RECORD if place.is_dir() else place
    if not path.is_file():
        raise ProjectError(
            "J06", f"there is no {RECORD} in {str(place)!r}.", remedy="name a result folder that `permeability run` wrote"
        )  # fmt: skip
    try:
        if path.stat().st_size > MOST_RECORD_BYTES:
            raise ValueError("it is larger than any record")
        record = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ProjectError(
            "J06", f"{path.name} cannot be read: {str(error) or type(error).__name__}", remedy="run the project again"
        ) from error  # fmt: skip
    sums = record.get("checksums") if isinstance(record, dict) else None
    if not isinstance(sums, dict) or not sums or not all(map(_is_sum, sums.values())):
        raise ProjectError(
            "J31", f"{path.name} has no checksums of its files.",
            remedy="run the project again; records have them from version 0.1.0 on",
        )  # fmt: skip
    outside = [name for name in sums if not _inside(name)]
    if outside:
        raise ProjectError(
            "J32", f"{path.name} names files outside its folder.", rows=outside,
            remedy="take no result from this folder: no run writes such a record",
        )  # fmt: skip
    return path, record


def _is_sum(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    size, digest = value.get("bytes"), value.get("sha256")
    return type(size) is int and isinstance(digest, str) and SHA256.fullmatch(digest) is not None


def _inside(name: str) -> bool:
    """Whether a name stays in its folder on every system.

    >>> [_inside(n) for n in ("scenarios/a.csv", "../a", "/a", "C:/a", "a\\\\b", "")]
    [True, False, False, False, False, False]
    """
    parts = PurePosixPath(name).parts
    return bool(parts) and ".." not in parts and not name.startswith("/") and not set(name) & set("\\:\0")


def verify_results(results: str | Path) -> Verified:
    """Hash every file of a result folder again and hold it against the record.

    Parameters
    ----------
    results : path
        Result folder, or its ``record.json``.

    Returns
    -------
    Verified

    Raises
    ------
    ProjectError
        J06 when there is no record or it cannot be read, J31 when it has no checksums, J32 when it names a file
        outside its folder.

    Examples
    --------
    >>> import tempfile
    >>> import permeability as pm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run = pm.run_project(pm.samples.tiny_project(f"{folder}/tiny"), f"{folder}/results", report=False)
    ...     before = pm.verify_results(run.folder).ok
    ...     _ = (run.folder / "sites.csv").write_text("rank")
    ...     before, pm.verify_results(run.folder).changed
    (True, ('sites.csv',))
    """
    path, record = read_record(results)
    folder, sums = path.parent, record["checksums"]
    there = set(_names(folder)) - {RECORD}
    changed = tuple(name for name in sorted(sums) if name in there and not _same(folder, name, sums[name]))
    return Verified(
        folder, whole_files.sha256(path), len(sums), changed, tuple(sorted(set(sums) - there)), tuple(sorted(there - set(sums)))
    )  # fmt: skip


def _same(folder: Path, name: str, expected: dict[str, Any]) -> bool:
    """Whether a file has its bytes; a link, a pipe or a device in its place is no such file and is not opened."""
    path = folder / name
    facts = path.lstat()
    if not stat.S_ISREG(facts.st_mode) or facts.st_size != expected["bytes"]:
        return False
    return whole_files.sha256(path) == expected["sha256"]
