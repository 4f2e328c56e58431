"""The time a result is about: season, year in which a barrier stands, hours a road is closed."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from permeability.core.cells import is_empty as missing
from permeability.core.cells import read_series, read_year
from permeability.core.errors import OptionError, check_choice
from permeability.core.estimate import Estimate

__all__ = [
    "Season",
    "habitat_seasons",
    "missing",
    "parse_hours",
    "parse_profile",
    "season",
    "season_from_dict",
]

STATUSES: tuple[str, ...] = ("existing", "under_construction", "planned", "removed")
"""What a barrier is today, in the words of the barrier schema."""


@dataclass(frozen=True)
class Season:
    """Part of the year with its own snow and its own habitat rows.

    Parameters
    ----------
    name : str
    months : tuple of int
        Months 1..12.
    snow_m : Estimate
        Snow depth at fences [m].
    habitat : tuple of str
        Values of ``HabitatFactor.season`` that hold.
    source : str

    Examples
    --------
    >>> season("winter").weight == len(season("winter").months) / 12
    True
    """

    name: str
    months: tuple[int, ...]
    snow_m: Estimate
    habitat: tuple[str, ...]
    source: str = ""

    @property
    def weight(self) -> float:
        """Share of the year, 0..1."""
        return len(self.months) / 12.0


@cache
def seasons() -> Mapping[str, Season]:
    """The shipped seasons by name; they cover the year once.

    >>> sum(s.weight for s in seasons().values())
    1.0
    """
    text = (files("permeability") / "data" / "rules" / "seasons.toml").read_text(encoding="utf-8")
    rows = {k: v for k, v in tomllib.loads(text).items() if isinstance(v, dict)}
    return MappingProxyType({name: season_from_dict(name, row) for name, row in rows.items()})


def season_from_dict(name: str, row: Mapping[str, Any]) -> Season:
    """A season from plain values (a table of a project file).

    Parameters
    ----------
    name : str
    row : mapping
        ``months``, ``snow_m`` [m], ``habitat``, ``source``.

    Returns
    -------
    Season

    Raises
    ------
    OptionError
        O01 for unknown keys, Y01 for months outside 1..12 or named twice.

    Examples
    --------
    >>> lambing = season_from_dict("lambing", {"months": [6], "snow_m": 0.0})
    >>> lambing.months, round(lambing.weight, 3)
    ((6,), 0.083)
    """
    for key in row:
        check_choice("season key", key, ("months", "snow_m", "habitat", "source"))
    months = tuple(int(m) for m in row.get("months", ()))
    if not months or any(m not in range(1, 13) for m in months) or len(set(months)) != len(months):
        raise OptionError(
            "Y01", f"months {list(months)} of season {name!r} are not months.", remedy="list 1..12 once"
        )
    snow = row.get("snow_m", 0.0)
    depth = (
        Estimate.from_dict(snow)
        if isinstance(snow, Mapping)
        else Estimate.exact(snow, "m", "M-l", "project file")
    )
    return Season(name, months, depth, tuple(row.get("habitat", ("all",))), str(row.get("source", "")))


def season(name: str | Season | None) -> Season | None:
    """A season by name; None is the whole year, in which no seasonal rule acts.

    Parameters
    ----------
    name : str | Season, optional

    Returns
    -------
    Season or None

    Raises
    ------
    OptionError
        O01 for an unknown name, with the nearest.

    Examples
    --------
    >>> season("winter").months
    (11, 12, 1, 2, 3)
    """
    if name is None or isinstance(name, Season):
        return name
    if name == "year":
        return None
    check_choice("season", name, (*seasons(), "year"))
    return seasons()[name]


def standing(row: Mapping[str, Any], year: float | None, statuses: Iterable[str] = ("existing",)) -> bool:
    """Whether a barrier stands in a year.

    Parameters
    ----------
    row : mapping
        A row of the barrier schema: ``status``, ``opened``, ``planned_open``, ``closed``.
    year : float or None
        Calendar year; None asks for the statuses only.
    statuses : iterable of str
        Which statuses count when ``year`` is None.

    Returns
    -------
    bool
        With a year: opened (or planned to open) by then and not yet closed.  A barrier that exists without an
        opening date has always stood; one that is planned without a date never does.

    Raises
    ------
    OptionError
        O01 an unknown status, Y02 a date that cannot be read.

    Examples
    --------
    >>> tmr = {"status": "existing", "opened": 1956}
    >>> [standing(tmr, y) for y in (1955, 1956, 2026)]
    [False, True, True]
    """
    status = "existing" if missing(row.get("status")) else str(row.get("status"))
    check_choice("status", status, STATUSES)
    if year is None:
        return status in set(statuses)
    opened = row.get("opened")
    if missing(opened):
        opened = row.get("planned_open")
    if missing(opened):
        opened = -math.inf if status in ("existing", "removed") else math.inf
    closed = row.get("closed")
    if missing(closed):
        closed = -math.inf if status == "removed" else math.inf
    return _year("opened", opened) <= year < _year("closed", closed)


def _year(column: str, value: Any) -> float:
    """A cell as a year; Y02 when it is none."""
    if isinstance(value, float):
        return value
    year, why = read_year(value)
    if why:
        raise OptionError(
            "Y02", f"{column} = {value!r} is {why}.", remedy="give the year as 1998 or a date as 1998-05-01"
        )
    return year


def parse_hours(text: Any) -> tuple[int, ...]:
    """Hours of the day from ``"20-6"``, ``"22-24, 3"`` or a sequence; empty for none.

    Parameters
    ----------
    text : object

    Returns
    -------
    tuple of int

    Raises
    ------
    OptionError
        V04 for what is not an hour range.

    Examples
    --------
    >>> parse_hours("22-2")
    (22, 23, 0, 1)
    """
    if isinstance(text, (list, tuple, range)):
        return tuple(int(h) for h in text)
    if isinstance(text, (int, float)) and not missing(text):
        raise OptionError("V04", f"{text!r} does not say from when to when.", remedy='write hours as "20-6"')
    if missing(text) or str(text).strip().lower() in ("no", "none", "unknown"):
        return ()
    hours: list[int] = []
    for part in str(text).split(","):
        found = re.fullmatch(r"\s*(\d{1,2})(?::00)?\s*(?:[-–]\s*(\d{1,2})(?::00)?)?\s*", part)
        if not found or int(found[1]) > 24 or int(found[2] or 0) > 24:
            raise OptionError(
                "V04", f"{text!r} is not a range of hours.", remedy='write "20-6" or "22-24, 3"'
            )
        start = int(found[1]) % 24
        end = start + 1 if found[2] is None else int(found[2])
        hours += [h % 24 for h in range(start, end if end > start else end + 24)]
    return tuple(dict.fromkeys(hours))


def parse_profile(text: Any) -> Sequence[float] | None:
    """A 24-hour traffic profile from a JSON list or numbers parted by commas or blanks; None for none.

    Parameters
    ----------
    text : object

    Returns
    -------
    Sequence[float] or None

    Raises
    ------
    OptionError
        V03 for what is not 24 numbers.

    Examples
    --------
    >>> len(parse_profile("1 " * 24))
    24
    """
    if not isinstance(text, (list, tuple)) and missing(text):
        return None
    values, _ = read_series(text)
    if len(values) != 24:
        raise OptionError(
            "V03", "an hour profile is not 24 numbers.", remedy="give vehicles per hour from 00-01 on"
        )
    return list(values)


def habitat_seasons(name: str | Season | None) -> tuple[str, ...]:
    """Values of ``HabitatFactor.season`` that hold in a season; the year-round rows only for None.

    Parameters
    ----------
    name : str | Season, optional

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> habitat_seasons("winter"), habitat_seasons(None)
    (('all', 'snow'), ('all',))
    """
    found = season(name)
    return ("all",) if found is None else found.habitat
