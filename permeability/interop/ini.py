"""Problem files of other programs: ``key = value`` lines, read without guessing.

:func:`parse_ini` reads a file; the typed getters of :class:`Ini` (``boolean``, ``choice``, ``number``,
``text``, ``path``) collect every problem as a :class:`~permeability.core.errors.Finding` instead of stopping at
the first, and :meth:`Ini.refuse_unknown` names every key outside the vocabulary with the nearest valid one.
:meth:`Ini.check` raises them all together.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from permeability.core.errors import Finding, InteropError, nearest
from permeability.core.plain_text import file_name_fault
from permeability.layers.exchange_grids import read_text

TRUE, FALSE = ("true", "1"), ("false", "0")
UNSET = ("", "none", "not entered")
PLACEHOLDERS = ("(browse ", "(choose ", "(filename ")


class ProblemFileError(InteropError):
    """A problem file with one or more findings; ``findings`` holds them all."""

    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class IniEntry:
    """One ``key = value`` line: key in lower case, value as written (quotes removed), section, line."""

    key: str
    value: str
    section: str
    line: int


@dataclass
class Ini:
    """A problem file and what is wrong with it.

    Attributes
    ----------
    file : Path
    entries : dict
        Key (lower case) -> :class:`IniEntry`; keys count without their section.
    findings : list of Finding
        Grows with every getter; severities ``error``, ``warning``, ``note``.
    """

    file: Path
    entries: dict[str, IniEntry]
    findings: list[Finding] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        """Folder of the file: relative paths count from here."""
        return self.file.resolve().parent

    def has(self, key: str) -> bool:
        """Whether the key is written with a value (``None``, empty and placeholders are no value)."""
        entry = self.entries.get(key)
        return entry is not None and not is_unset(entry.value)

    def raw(self, key: str) -> str | None:
        """The value as written, or None where the key is missing."""
        entry = self.entries.get(key)
        return None if entry is None else entry.value

    def add(
        self,
        code: str,
        what: str,
        remedy: str,
        *,
        key: str | None = None,
        severity: str = "error",
        rows: Sequence[object] = (),
        details: Mapping[str, object] | None = None,
    ) -> None:
        """Collect a finding."""
        entry = self.entries.get(key) if key is not None else None
        layer = self.file.name if entry is None else f"{self.file.name}, line {entry.line}"
        self.findings.append(Finding(code, what, remedy, layer, tuple(rows), dict(details or {}), severity))

    def boolean(self, key: str, default: bool) -> bool:
        """``True``/``False`` (any case) or ``1``/``0``; finding X02 for anything else."""
        value = self.raw(key)
        if value is None:
            return default
        word = value.lower()
        if word in TRUE or word in FALSE:
            return word in TRUE
        guess = nearest(word, ("True", "False")) or {
            "yes": "True",
            "on": "True",
            "no": "False",
            "off": "False",
        }.get(word)
        self.add(
            "X02",
            f"{key} = {value!r} is neither True nor False.",
            f"did you mean {guess!r}?" if guess else "write True or False",
            key=key,
        )
        return default

    def choice(
        self,
        key: str,
        valid: Sequence[str],
        default: str | None,
        *,
        aliases: Mapping[str, str] | None = None,
    ) -> str | None:
        """A word of a closed vocabulary, any case; ``aliases`` map further spellings onto it.

        Finding X02 for another word; ``default`` None makes the key compulsory (finding X03).
        """
        value = self.raw(key)
        words = {w.lower(): w for w in valid} | {k.lower(): v for k, v in (aliases or {}).items()}
        if value is not None and value.lower() in words:
            return words[value.lower()]
        if value is None or is_unset(value):
            if default is None:
                self.add("X03", f"{key} is not set.", f"write {key} = {' | '.join(valid)}", key=key)
            return default
        guess = nearest(value, words)
        self.add(
            "X02",
            f"{key} = {value!r} is not known.",
            f"did you mean {words[guess.lower()]!r}?" if guess else f"use one of: {', '.join(valid)}",
            key=key,
            details={"valid": ", ".join(valid)},
        )
        return default

    def number(
        self,
        key: str,
        default: float | None,
        *,
        minimum: float = -math.inf,
        maximum: float = math.inf,
        above: float = -math.inf,
        integer: bool = False,
        infinite: bool = False,
    ) -> float | None:
        """A number in ``minimum..maximum`` and greater than ``above``; ``default`` None: compulsory.

        ``infinite`` allows ``Inf`` and ``-Inf``.
        """
        value = self.raw(key)
        if value is None or is_unset(value):
            if default is None:
                self.add("X03", f"{key} is not set.", f"write {key} = a number", key=key)
            return default
        kind = "a whole number" if integer else "a number"
        try:
            number = float(value)
        except ValueError:
            self.add("X02", f"{key} = {value!r} is not {kind}.", f"write {kind}", key=key)
            return default
        endless = infinite and math.isinf(number)
        if not (math.isfinite(number) or endless) or (integer and number != int(number)):
            self.add("X02", f"{key} = {value!r} is not {kind}.", f"write {kind}", key=key)
            return default
        if not minimum <= number <= maximum or (above > -math.inf and not number > above):
            low = f"above {above:g}" if above > minimum else f"at least {minimum:g}"
            high = "" if maximum == math.inf else f" and at most {maximum:g}"
            self.add("X02", f"{key} = {value} is out of range.", f"use {kind} {low}{high}", key=key)
            return default
        return number

    def text(self, key: str, default: str | None = None) -> str | None:
        """The value as written; ``default`` where it is missing or a placeholder."""
        return self.raw(key) if self.has(key) else default

    def path(self, key: str, *, needed_by: str | None = None) -> Path | None:
        """An input file that exists, or None where the key is unset.

        Relative paths are looked up in the folder of the problem file, then in the working directory.

        Parameters
        ----------
        key : str
        needed_by : str, optional
            The option that asks for the file (``"use_mask = True"``); an unset key is then finding X03, with
            the placeholder quoted.
        """
        value = self.raw(key)
        if value is None or is_unset(value):
            if needed_by is not None:
                told = "is not set" if value is None else f"= {value!r} names no file"
                self.add(
                    "X03", f"{key} {told}, but {needed_by}.", f"write the path of the file as {key}", key=key
                )
            return None
        fault = file_name_fault(value)
        if fault:
            self.add("X04", f"{key} = {value[:80]!r}: {fault}.", "correct the path", key=key)
            return None
        places = candidates(value, self.folder)
        for place in places:
            if place.is_file():
                return place
        self.add(
            "X04",
            f"{key} = {value!r}: no such file.",
            "correct the path; relative ones count from the folder of the problem file, then the working one",
            key=key,
            details={"looked for": "\n".join(str(p) for p in places)},
        )
        return None

    def rename(self, old: str, new: str) -> None:
        """Take an older name of a key for its present one; both with different values are finding X10."""
        entry = self.entries.pop(old, None)
        if entry is not None:
            _enter(self, replace(entry, key=new))

    def refuse_unknown(self, known: Iterable[str], *, ignore: bool = False) -> None:
        """Finding X01 for every key outside the vocabulary, with the nearest valid word; warnings with ``ignore``."""
        words = sorted(known)
        for key in self.entries:
            if key not in words:
                guess = nearest(key, words)
                remedy = (
                    f"did you mean {guess!r}?" if guess else "remove the line, or run with --ignore-unknown"
                )
                what = f"option {key!r} is not known{' and was ignored, as asked' if ignore else ''}."
                self.add("X01", what, remedy, key=key, severity="warning" if ignore else "error")

    def errors(self) -> list[Finding]:
        """The findings that stop a run."""
        return [f for f in self.findings if f.severity == "error"]

    def check(self) -> None:
        """Raise all errors found so far together.

        Raises
        ------
        ProblemFileError
            Code of the only finding, or [X00] with every finding listed.
        """
        raise_findings(self.file, self.errors())


def raise_findings(file: Path, errors: Sequence[Finding]) -> None:
    """Raise one :class:`ProblemFileError` for one or many findings; return when there are none."""
    if not errors:
        return
    if len(errors) == 1:
        only = errors[0]
        error = ProblemFileError(
            only.code, only.what, remedy=only.remedy, layer=only.layer, rows=only.rows, details=only.details
        )
    else:
        details = {f"{i}.": f.text().replace("\n    ", "\n") for i, f in enumerate(errors, 1)}
        error = ProblemFileError(
            "X00",
            f"'{file.name}' cannot be run: {len(errors)} problems.",
            details=details,
            remedy="correct them all; nothing has been computed",
        )
    error.findings = tuple(errors)
    raise error


def parse_ini(path: str | os.PathLike[str]) -> Ini:
    """Read a problem file: ``key = value`` lines, ``[sections]``, comment lines after ``;`` or ``#``.

    Sections do not matter to the keys.  A line that is none of these, and a key given twice with different
    values, are findings.

    Parameters
    ----------
    path : path

    Returns
    -------
    Ini

    Raises
    ------
    InteropError
        [X04] no such file.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "a.ini"
    >>> _ = file.write_text("[Mode]\\nscenario = pairwise\\nuse_mask = Ture\\n")
    >>> ini = parse_ini(file)
    >>> ini.choice("scenario", ("pairwise", "advanced"), None), ini.boolean("use_mask", False)
    ('pairwise', False)
    >>> ini.findings[0].remedy
    "did you mean 'True'?"
    """
    file = Path(path)
    ini = Ini(file, {})
    section = ""
    for number, line in enumerate(read_text(file).splitlines(), 1):
        text = line.strip()
        if not text or text[0] in ";#":
            continue
        if text.startswith("[") and "]" in text:
            section = text[1 : text.index("]")].strip()
            continue
        sign = "=" if "=" in text else ":"
        key, found, value = (part.strip() for part in text.partition(sign))
        if not found or not key:
            ini.add(
                "X01", f"line {number} is neither a section nor 'key = value': {text!r}.", "correct the line"
            )
            continue
        _enter(ini, IniEntry(key.lower(), _unquote(value), section, number))
    return ini


def _enter(ini: Ini, entry: IniEntry) -> None:
    before = ini.entries.get(entry.key)
    if before is not None and before.value != entry.value:
        ini.add(
            "X10",
            f"{entry.key} is given twice: {before.value!r} in line {before.line}, "
            f"{entry.value!r} in line {entry.line}.",
            "keep one of the two",
        )
    ini.entries[entry.key] = entry


def _unquote(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value


def is_unset(value: str) -> bool:
    """Whether a value means "no value": empty, None, not entered, or a dialogue's "(Browse for a ...)".

    >>> is_unset("(Browse for a raster mask file)"), is_unset("mask.asc")
    (True, False)
    """
    word = value.strip().lower()
    return word in UNSET or word.startswith(PLACEHOLDERS)


def candidates(value: str, folder: Path) -> list[Path]:
    """Places where a path may lie: as written, else below ``folder``, then below the working directory.

    Backslashes of Windows files are tried as slashes too.
    """
    spellings = [value] if "\\" not in value or os.sep == "\\" else [value, value.replace("\\", "/")]
    places: list[Path] = []
    for spelling in spellings:
        path = Path(spelling)
        with contextlib.suppress(RuntimeError):  # ~ of somebody whom this machine does not know
            path = path.expanduser()
        places += [path] if path.is_absolute() else [folder / path, Path.cwd() / path]
    return list(dict.fromkeys(places))
