"""The words of refusal: every error has a stable code, says what, why and what to do.

One base class, :class:`PermeabilityError`.  ``str(error)`` is the whole message, ready for a terminal:

    GridMismatchError [G02]: 'suitability.tif' is not on the project grid.
      project grid   EPSG:32648, 500 m, 800 x 600
      remedy         pass onto=grid with resampling="average"
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

__all__ = [
    "BarrierError",
    "Finding",
    "GridError",
    "GridMismatchError",
    "InteropError",
    "LayerError",
    "MemoryLimitError",
    "OptionError",
    "PatchError",
    "PermeabilityError",
    "ProjectError",
    "ResistanceError",
    "SolverError",
    "SpeciesError",
    "check_choice",
    "nearest",
    "shorten",
]

EXIT_OK, EXIT_FAULT, EXIT_INPUT, EXIT_DIFFERS, EXIT_TOLERANCE, EXIT_INTERRUPTED = 0, 1, 2, 3, 4, 130


class PermeabilityError(Exception):
    """Base of all refusals.

    Parameters
    ----------
    code : str
        Stable code such as ``"G02"``; documented in ``docs/errors.md``.
    what : str
        One sentence: what is wrong.
    remedy : str
        What the user can do about it.
    layer : str, optional
        Name of the layer, file or table concerned.
    rows : sequence of int or str, optional
        Rows (or cells, or ids) concerned; the first few are shown.
    details : mapping, optional
        Label -> text lines shown between the sentence and the remedy.

    Examples
    --------
    >>> error = PermeabilityError("G02", "the rasters do not line up.", remedy="align them", layer="slope")
    >>> error.code, error.finding().layer
    ('G02', 'slope')
    >>> print(error)
    PermeabilityError [G02]: the rasters do not line up.
      layer          slope
      remedy         align them
    """

    exit_code = EXIT_INPUT

    def __init__(
        self,
        code: str,
        what: str,
        *,
        remedy: str,
        layer: str | None = None,
        rows: Sequence[object] | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        self.code, self.what, self.remedy, self.layer = code, what, remedy, layer
        self.rows = list(rows) if rows is not None else []
        self.details = dict(details or {})
        super().__init__(self.text())

    def text(self) -> str:
        """The message as printed."""
        lines = [f"{type(self).__name__} [{self.code}]: {self.what}"]
        facts = dict(self.details)
        if self.layer is not None:
            facts = {"layer": self.layer, **facts}
        if self.rows:
            facts["rows"] = shorten(self.rows)
        facts["remedy"] = self.remedy
        width = max(14, *(len(k) for k in facts)) + 1
        for label, value in facts.items():
            first, *rest = str(value).splitlines() or [""]
            lines.append(f"  {label:<{width}}{first}")
            lines.extend(f"  {'':<{width}}{line}" for line in rest)
        return "\n".join(lines)

    def _render_traceback_(self) -> list[str]:
        """What IPython shows, by its own name for this."""
        from permeability.core.short_traceback import short_traceback

        return short_traceback(str(self), self.__traceback__)

    def __reduce__(self) -> tuple[object, ...]:
        return (
            _rebuild,
            (type(self), self.code, self.what, self.remedy, self.layer, self.rows, self.details),
        )

    def finding(self) -> Finding:
        """The same facts as a row of ``permeability check``."""
        return Finding(self.code, self.what, self.remedy, self.layer, tuple(self.rows), dict(self.details))


def _rebuild(
    cls: type[PermeabilityError],
    code: str,
    what: str,
    remedy: str,
    layer: str | None,
    rows: list[object],
    details: dict[str, object],
) -> PermeabilityError:
    return cls(code, what, remedy=remedy, layer=layer, rows=rows, details=details)


class OptionError(PermeabilityError):
    """An option, key, kind or value that is not in the vocabulary."""


class GridError(PermeabilityError):
    """A grid that cannot carry distances: degrees, rotated or oblong cells, no CRS."""


class GridMismatchError(GridError):
    """A raster that is not on the grid it is used with."""


class LayerError(PermeabilityError):
    """A vector or raster layer that cannot be used as it is."""


class BarrierError(PermeabilityError):
    """A barrier, section, crossing or treatment that cannot be used as it is."""


class ResistanceError(PermeabilityError):
    """Resistances that are zero, negative or infinite, or a surface without any valid cell."""


class PatchError(PermeabilityError):
    """Patches, focal nodes or sources that cannot be placed on the grid."""


class SpeciesError(PermeabilityError):
    """A species or a species number that is unknown or out of range."""


class ProjectError(PermeabilityError):
    """A project file that cannot be read; carries all its findings."""

    findings: tuple[Finding, ...] = ()


class InteropError(PermeabilityError):
    """A problem file of another program that cannot be run as written."""


class MemoryLimitError(PermeabilityError):
    """A job that would not fit into memory."""


class SolverError(PermeabilityError):
    """A solver missed its tolerance or met a system it cannot solve."""

    exit_code = EXIT_TOLERANCE


@dataclass(frozen=True)
class Finding:
    """One input problem: what ``permeability check`` lists.

    Examples
    --------
    >>> print(Finding("L03", "the layer is empty.", "check the file", layer="fences").text())
    ERROR [L03] fences: the layer is empty.
        remedy: check the file
    """

    code: str
    what: str
    remedy: str
    layer: str | None = None
    rows: tuple[object, ...] = ()
    details: Mapping[str, object] = field(default_factory=dict)
    severity: str = "error"  # "error" stops a run, "warning" is carried into the report, "note" informs

    def text(self) -> str:
        """The finding as printed, two to four lines."""
        where = f" {self.layer}" if self.layer else ""
        lines = [f"{self.severity.upper()} [{self.code}]{where}: {self.what}"]
        lines += [f"    {k}: {v}" for k, v in self.details.items()]
        if self.rows:
            lines.append(f"    rows: {shorten(self.rows)}")
        lines.append(f"    remedy: {self.remedy}")
        return "\n".join(lines)


def shorten(rows: Iterable[object], most: int = 10) -> str:
    """The first few of many rows, as text.

    Parameters
    ----------
    rows : iterable
    most : int

    Returns
    -------
    str
        Joined by commas.

    Examples
    --------
    >>> shorten(range(4), most=2)
    '0, 1 and 2 more'
    """
    rows = list(rows)
    text = ", ".join(str(r) for r in rows[:most])
    return text if len(rows) <= most else f"{text} and {len(rows) - most:,} more"


def nearest(word: object, valid: Iterable[object]) -> str | None:
    """The valid word nearest to a misspelt one, or None.

    Parameters
    ----------
    word : object
    valid : iterable

    Returns
    -------
    str or None
        The word it may have been meant for.

    Examples
    --------
    >>> nearest("kulan", ["khulan", "saiga"])
    'khulan'
    """
    words = [str(v) for v in valid]
    lower = {w.lower(): w for w in words}
    match = difflib.get_close_matches(str(word).lower(), list(lower), n=1, cutoff=0.5)
    return lower[match[0]] if match else None


def check_choice(name: str, value: object, valid: Sequence[object], *, code: str = "O01") -> None:
    """Refuse a value outside a closed vocabulary, naming the nearest valid word.

    Parameters
    ----------
    name : str
        Of the option.
    value : object
    valid : sequence of object
        Words that are known.
    code : str
        Of the error.

    Raises
    ------
    OptionError
        When ``value`` is not one of ``valid``.

    Examples
    --------
    >>> check_choice("level", "best", ("low", "best", "high"))
    >>> check_choice("level", "hihg", ("low", "best", "high"))
    Traceback (most recent call last):
    ...
    permeability.core.errors.OptionError: OptionError [O01]: ...
    """
    if value in valid:
        return
    guess = nearest(value, valid)
    raise OptionError(
        code,
        f"{name} = {value!r} is not known.",
        details={"valid": ", ".join(repr(v) for v in valid)},
        remedy=f"did you mean {guess!r}?" if guess else f"use one of the {len(valid)} valid values",
    )
