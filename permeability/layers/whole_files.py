"""Rasters, vectors and tables in and out.  Nothing else in the house opens a file (but `interop`).

Outputs are written aside, brought onto the disk and renamed, so they appear whole or not at all, and with fixed time
stamps, so the same input gives the same bytes.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from json.encoder import encode_basestring as quoted
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from permeability.core.disk_room import FULL, room_refused
from permeability.core.errors import (
    LayerError,
    OptionError,
    nearest,
)
from permeability.core.plain_text import cell, from_cell
from permeability.layers.folder_lock import folder_lock

__all__ = [
    "json_text",
    "read_arrays",
    "read_csv",
    "require_file",
    "require_free",
    "sha256",
    "whole_file",
    "whole_folder",
    "write_arrays",
    "write_csv",
    "write_json",
    "write_text",
]


OPEN_FILES_HOLD = os.name == "nt"  # a folder with an open file in it cannot be renamed there


# ---------------------------------------------------------------- writing whole files
@contextlib.contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A path to write to beside the target; renamed onto it when the block ends well, removed otherwise.

    What was written is on the disk (fsync) before the name is, so a machine that loses its power has the old file or the
    new one.

    Parameters
    ----------
    path : path

    Yields
    ------
    Path
        Where to write; takes the place of the file when the block ends well.

    Raises
    ------
    OptionError
        O12 when the system has no room for it.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "a.txt"
    >>> with whole_file(target) as aside:
    ...     _ = aside.write_text("all of it")
    >>> target.read_text()
    'all of it'
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.stem}-", suffix=target.suffix, dir=target.parent)
    os.close(handle)
    aside = Path(name)
    aside.unlink()
    try:
        with room_refused(target):
            yield aside
            to_disk(aside)
            os.replace(aside, target)
            to_disk(target.parent)
    finally:
        aside.unlink(missing_ok=True)


def to_disk(path: Path) -> None:
    """Have the system bring a file, or the names in a folder, onto the disk; what it cannot do for a folder is left out.

    Parameters
    ----------
    path : Path

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     to_disk(Path(folder))
    """
    folder = path.is_dir()
    if folder and os.name == "nt":
        return  # Windows knows no handle of a folder
    handle = os.open(path, os.O_RDONLY if folder or os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(handle)
    except OSError as error:
        if not folder and error.errno in FULL:
            raise  # some systems find out only here
    finally:
        os.close(handle)


def require_free(target: Path, mark: str) -> None:
    """Refuse a folder that is neither empty nor an earlier output (known by its file ``mark``).

    Parameters
    ----------
    target : Path
    mark : str
        File by which an earlier output is known.

    Raises
    ------
    OptionError
        O02, on Windows O14 when a program holds a file in it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = write_text(f"{folder}/mine.txt", "keep me")
    ...     require_free(Path(folder), "record.json")
    Traceback (most recent call last):
    ...
    permeability.core.errors.OptionError: OptionError [O02]: ...
    """
    if target.exists() and (not target.is_dir() or (any(target.iterdir()) and not (target / mark).is_file())):
        raise OptionError(
            "O02",
            f"{str(target)!r} exists and is not an earlier output of this kind.",
            remedy="name another folder, or remove it",
        )
    if OPEN_FILES_HOLD and target.is_dir():
        old = target.with_name(
            f".{target.name}-old"
        )  # from where put_back fetches it, whatever happens between
        try:
            target.rename(old)
            old.rename(target)
        except PermissionError as error:
            raise _in_use(target, "nothing was computed") from error


@contextlib.contextmanager
def whole_folder(
    target: Path, mark: str, *, locked: bool = False, ours: Callable[[Path], set[str]] | None = None
) -> Iterator[Path]:
    """A folder beside the target that takes its place when the block ends well, and vanishes otherwise.

    Only a folder that is empty or holds an earlier output (known by its file ``mark``) is replaced.  The place is locked
    meanwhile, see :func:`permeability.layers.folder_lock.folder_lock`; an earlier output that a killed process had moved aside
    comes back first.

    Parameters
    ----------
    target : Path
        Folder to make or replace.
    mark : str
        File by which an earlier output is known.
    locked : bool
        The caller holds the lock.
    ours : callable, optional
        ``ours(target)``: relative names of the files that the earlier output wrote.  What else lies there is somebody's
        own and goes over into the new folder (as ``kept-NAME`` where the name is taken); without it nothing does.

    Yields
    ------
    Path
        Where to write.

    Raises
    ------
    OptionError
        O02 when the target holds something else, O08 when another run is writing there, O14 when a program holds a file in
        it: what was made is then kept beside it as ``NAME-finished``.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with whole_folder(Path(folder) / "out", "record.json") as aside:
    ...         _ = write_text(aside / "record.json", "{}")
    ...     [p.name for p in (Path(folder) / "out").iterdir()]
    ['record.json']
    """
    with contextlib.nullcontext() if locked else folder_lock(target):
        old = put_back(target)
        require_free(target, mark)
        aside = target.with_name(f".{target.name}-unfinished")
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        try:
            with room_refused(target):
                yield aside
                if ours is not None:
                    _keep_others(target, aside, ours)
            for path in (*sorted(p for p in aside.rglob("*") if p.is_dir() and not p.is_symlink()), aside):
                to_disk(path)
            try:
                if target.exists():
                    target.rename(old)
                aside.rename(target)
            except PermissionError as error:
                put_back(target)
                beside = target.with_name(f"{target.name}-finished")
                shutil.rmtree(beside, ignore_errors=True)
                aside.rename(beside)
                raise _in_use(target, f"everything that was made is whole in {str(beside)!r}") from error
            to_disk(target.parent)
            shutil.rmtree(old, ignore_errors=True)
        finally:
            put_back(target)
            shutil.rmtree(aside, ignore_errors=True)


def _in_use(target: Path, state: str) -> OptionError:
    return OptionError(
        "O14", f"a program holds a file in {str(target)!r}, so the folder cannot be replaced; {state}.",
        remedy="close the table in Excel, or the folder, or name another one (--out)",
    )  # fmt: skip


def _keep_others(target: Path, aside: Path, ours: Callable[[Path], set[str]]) -> None:
    """Copy what somebody else laid into the earlier output into the new one."""
    if not target.is_dir():
        return
    made = ours(target)
    for path in sorted(p for p in target.rglob("*") if p.is_file() or p.is_symlink()):
        name = path.relative_to(target)
        if name.as_posix() in made:
            continue
        place = aside / name
        if place.exists():
            place = place.with_name(f"kept-{place.name}")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, place, follow_symlinks=False)


def put_back(target: Path) -> Path:
    """Where the earlier output stands while a new one takes its place; one that was left there is put back or removed."""
    old = target.with_name(f".{target.name}-old")
    if old.exists() and not target.exists():
        old.rename(target)
    shutil.rmtree(old, ignore_errors=True)
    return old


def write_text(path: str | os.PathLike[str], text: str) -> Path:
    """Write a text file whole, UTF-8, line ends as given.

    Parameters
    ----------
    path : path
    text : str

    Returns
    -------
    Path
        The file.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_text(f"{folder}/a.txt", "хулан").read_text(encoding="utf-8")
    'хулан'
    """
    with whole_file(path) as aside:
        aside.write_text(text, encoding="utf-8", newline="")
    return Path(path)


def write_json(path: str | os.PathLike[str], data: Any) -> Path:
    """Write JSON with sorted keys and floats at 12 significant digits; NaN and inf as words.

    Parameters
    ----------
    path : path
    data : object
        Numbers, texts, lists and dicts.

    Returns
    -------
    Path
        The file.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_json(f"{folder}/a.json", {"b": 1, "a": float("inf")}).read_text().split()
    ['{', '"a":', '"inf",', '"b":', '1', '}']
    """
    return write_text(path, json_text(data))


def json_text(data: Any) -> str:
    """JSON text with sorted keys, floats at 12 significant digits, ``"inf"`` and ``null`` for inf and NaN.

    Parameters
    ----------
    data : object
        Numbers, texts, lists and dicts.

    Returns
    -------
    str

    Examples
    --------
    >>> print(json_text({"b": float("inf"), "a": 0.1 + 0.2}).strip())
    {
      "a": 0.3,
      "b": "inf"
    }
    """
    parts: list[str] = []
    _write_plain(_plain(data), "\n", parts)
    return "".join(parts) + "\n"


def _write_plain(value: Any, line: str, parts: list[str]) -> None:
    """What ``json.dumps`` with an indent of two and sorted keys writes of plain values, in a third of the time.

    Parameters
    ----------
    value : object
        From :func:`_plain`.
    line : str
        Line break and indent of where the value stands.
    parts : list of str
        What has been written.
    """
    kind = type(value)
    if kind is str:
        parts.append(quoted(value))
    elif kind is float:
        parts.append(float.__repr__(value))
    elif value is None or kind is bool:
        parts.append("null" if value is None else "true" if value else "false")
    elif kind is int:
        parts.append(int.__repr__(value))
    elif not value:
        parts.append("{}" if kind is dict else "[]")
    elif kind is dict:
        deeper, sign = line + "  ", "{"
        for key in sorted(value):
            parts.append(f"{sign}{deeper}{quoted(key)}: ")
            _write_plain(value[key], deeper, parts)
            sign = ","
        parts.append(line + "}")
    else:
        deeper, sign = line + "  ", "["
        for each in value:
            parts.append(sign + deeper)
            _write_plain(each, deeper, parts)
            sign = ","
        parts.append(line + "]")


def _plain(value: Any) -> Any:
    if type(value) is str or value is None:
        return value
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        if math.isnan(value):
            return None
        if math.isinf(value):
            return "inf" if value > 0 else "-inf"
        short = float(f"{value:.12g}")
        return int(short) if short == int(short) and abs(short) < 1e15 else short
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(v) for v in value]
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    return str(value)


def write_arrays(path: str | os.PathLike[str], arrays: Mapping[str, np.ndarray]) -> Path:
    """Write named arrays as one ``.npz`` file, compressed; the same arrays give the same bytes.

    Parameters
    ----------
    path : path
    arrays : mapping
        Name -> array, of numbers.

    Returns
    -------
    Path

    Examples
    --------
    >>> import tempfile
    >>> target = write_arrays(Path(tempfile.mkdtemp()) / "a.npz", {"x": np.arange(3)})
    >>> read_arrays(target)["x"].tolist()
    [0, 1, 2]
    """
    with whole_file(path) as aside:
        np.savez_compressed(aside, **arrays)  # type: ignore[arg-type]
    return Path(path)


def read_arrays(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Arrays of a file of :func:`write_arrays`.

    Parameters
    ----------
    path : path

    Returns
    -------
    dict

    Raises
    ------
    LayerError
        L11 when it cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> target = write_arrays(Path(tempfile.mkdtemp()) / "a.npz", {"x": np.arange(3)})
    >>> sorted(read_arrays(target))
    ['x']
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise LayerError(
            "L11", f"{Path(path).name} cannot be read: {error}", remedy="run the project again"
        ) from error


def write_csv(path: str | os.PathLike[str], table: pd.DataFrame, *, mark: bool = False) -> Path:
    """Write a table as CSV: UTF-8, 10 significant digits, empty for missing, ``inf`` spelt out, no formulas.

    Text that a spreadsheet would take for a formula gets an apostrophe in front, see :func:`permeability.core.plain_text.cell`.

    Parameters
    ----------
    path : path
    table : DataFrame
    mark : bool
        Begin with the byte order mark by which Excel knows UTF-8, so that Cyrillic shows on a double click.

    Returns
    -------
    Path
        The file.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_csv(f"{folder}/a.csv", pd.DataFrame({"km": [1.5]})).read_text().split()
    ['km', '1.5']
    """
    texts = {c: [cell(v) for v in table[c]] for c in table.columns if table[c].dtype.kind not in "biufcmM"}
    if texts:
        table = table.assign(
            **{str(c): pd.Series(v, index=table.index, dtype=object) for c, v in texts.items()}
        )
    return write_text(
        path, "\ufeff" * mark + table.to_csv(index=False, float_format="%.10g", lineterminator="\n")
    )


def read_csv(path: str | os.PathLike[str]) -> pd.DataFrame:
    """A table as :func:`write_csv` wrote it; only an empty cell is missing.

    Parameters
    ----------
    path : path

    Returns
    -------
    DataFrame

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     read_csv(write_csv(f"{folder}/a.csv", pd.DataFrame({"id": ["=1+1", "NA"]})))["id"].tolist()
    ['=1+1', 'NA']
    """
    table = pd.read_csv(path, keep_default_na=False, na_values=[""], encoding="utf-8-sig")
    for column in table.columns[[kind.kind not in "biufcmM" for kind in table.dtypes]]:
        table[column] = table[column].map(from_cell)
    return table


def sha256(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file, or of the names and contents of all files in a folder (file geodatabase, Zarr); hexadecimal.

    Parameters
    ----------
    path : path

    Returns
    -------
    str
        64 characters.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sha256(write_text(f"{folder}/empty.txt", ""))[:8]
    'e3b0c442'
    """
    digest = hashlib.sha256()
    folder = Path(path)
    inside = sorted(p for p in folder.rglob("*") if p.is_file()) if folder.is_dir() else [folder]
    for file in inside:
        if folder.is_dir():
            digest.update(f"{file.relative_to(folder).as_posix()}\0".encode())
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


# ---------------------------------------------------------------- vectors
def require_file(path: Path, *, layer: str) -> Path:
    """Refuse a file that is not there, naming what lies beside it.

    Parameters
    ----------
    path : Path
    layer : str
        Name used in the message.

    Returns
    -------
    Path
        The same path.

    Raises
    ------
    LayerError
        L01.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     require_file(Path(folder) / "fences.shp", layer="fences")
    Traceback (most recent call last):
    ...
    permeability.core.errors.LayerError: LayerError [L01]: ...
    """
    if path.is_file():
        return path
    beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
    guess = nearest(path.name, beside)
    remedy = f"did you mean {guess!r}?" if guess else f"there is no such file in {path.parent}"
    raise LayerError("L01", f"the file {str(path)!r} does not exist.", layer=layer, remedy=remedy)


# ---------------------------------------------------------------- rasters


def _unreadable(path: Path, layer: str, why: Exception) -> LayerError:
    return LayerError(
        "L11", f"{path.name} cannot be read: {why}", layer=layer, rows=["all"],
        remedy="check that the file is whole and of a format that GDAL reads",
    )  # fmt: skip
