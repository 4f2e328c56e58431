"""What a pilot saw, and how likely that is: crossings of encounters, or crossings per kilometre worked.

Encounters of one animal resemble each other (beta-binomial, likeness ``icc``), and so do openings of one kind (``site_icc``); crossings
per kilometre differ between animals (gamma-Poisson, ``spread``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special

from permeability.core.errors import OptionError
from permeability.core.texts import N_, Said

__all__ = ["Pilot", "chance_counts", "log_likelihood", "mixed_over_sites", "pilots_of"]

Floats = NDArray[np.float64]
NODES = 32
MOST = 2000
OF, IN_KM, BEST, AT = N_("{crossed} of {met}"), N_("{crossed} in {km} km"), N_("{seen}, the best of {many}"), N_("{seen} at {place}")  # fmt: skip
COLUMNS = ("site", "number", "species", "crossed", "met", "crossings", "km", "animals", "icc", "site_icc", "spread", "best_of", "note")  # fmt: skip


@dataclass(frozen=True)
class Pilot:
    """One row of results.

    Attributes
    ----------
    site : str
        Id of a ranked candidate that was opened; or ``number``, key of an unknown number such as ``crossing.rail_unfenced``.
    number : str
    crossed, met : int
        Encounters with the opening that ended in a crossing, of how many.
    km : float
        Kilometres worked along the barrier, in the place of ``met`` (with ``number`` only); 0 where encounters were counted.
    animals : int
        How many animals met it; one where nobody knows, which makes the least of the result.
    icc, site_icc, spread : float
        Likeness of encounters of one animal, of openings of one kind; standard deviation of rates between animals as a share.
    best_of : int
        The result reported is the best of that many openings measured alike.
    species : str
        Empty: every species.

    Examples
    --------
    >>> Pilot(site="TMR-880", crossed=8, met=10, animals=4).text()
    '8 of 10 at TMR-880'
    """

    site: str = ""
    number: str = ""
    crossed: int = 0
    met: int = 0
    km: float = 0.0
    animals: int = 1
    icc: float = 0.1
    site_icc: float = 0.05
    spread: float = 0.5
    best_of: int = 1
    species: str = ""

    @property
    def is_rate(self) -> bool:
        """Whether kilometres were worked, not encounters counted."""
        return self.km > 0

    def said(self) -> Said:
        """What was seen, in one breath."""
        seen = Said(IN_KM, {"crossed": self.crossed, "km": self.km}) if self.is_rate else Said(OF, {"crossed": self.crossed, "met": self.met})  # fmt: skip
        if self.best_of > 1:
            seen = Said(BEST, {"seen": seen, "many": self.best_of})
        return Said(AT, {"seen": seen, "place": self.site or self.number})

    def text(self) -> str:
        """The same in English."""
        return str(self.said())


def pilots_of(
    table: pd.DataFrame | Sequence[Pilot] | Sequence[Mapping[str, Any]],
    *,
    icc: float = 0.1,
    site_icc: float = 0.05,
    spread: float = 0.5,
    source: str = "pilots",
) -> list[Pilot]:
    """Results of pilots from a table, every row checked.

    Parameters
    ----------
    table : DataFrame, or a list of Pilot or of mappings
        Columns: ``site`` or ``number``; ``crossed`` and ``met``, or ``crossings`` and ``km``; where known ``animals``, ``species``,
        ``icc``, ``site_icc``, ``spread``, ``best_of``.
    icc, site_icc, spread : float
        For rows that do not say.
    source : str
        Name for messages.

    Returns
    -------
    list of Pilot

    Raises
    ------
    OptionError
        U20 with every fault of every row.

    Examples
    --------
    >>> pilots_of([{"site": "A", "crossed": 0, "met": 10}])[0].text()
    '0 of 10 at A'
    """
    if isinstance(table, pd.DataFrame):
        rows: list[Any] = table.to_dict("records")
    else:
        rows = list(table)
    found: list[Pilot] = []
    faults: list[str] = []
    for n, row in enumerate(rows, start=1):
        if isinstance(row, Pilot):
            found.append(row)
            continue
        given = {str(k).strip().lower(): v for k, v in row.items() if not _empty(v)}
        unknown = sorted(set(given) - {*COLUMNS, "before_crossed", "before_met"})
        try:
            numbers = {
                k: float(v) for k, v in given.items() if k not in ("site", "number", "species", "note")
            }
        except (TypeError, ValueError) as error:
            faults.append(f"row {n}: {error}")
            continue
        if unknown:
            faults.append(f"row {n}: unknown column {unknown[0]!r}")
            continue
        if not unknown and "before_met" in given and not {"met", "km", "crossed", "crossings"} & set(given):
            continue  # a site that was looked at and not opened
        pilot = Pilot(
            str(given.get("site", "")), str(given.get("number", "")), int(numbers.get("crossed", numbers.get("crossings", -1))),
            int(numbers.get("met", 0)), numbers.get("km", 0.0), int(numbers.get("animals", 1)), numbers.get("icc", icc),
            numbers.get("site_icc", site_icc), numbers.get("spread", spread), int(numbers.get("best_of", 1)), str(given.get("species", "")),
        )  # fmt: skip
        faults += [f"row {n}: {fault}" for fault in _faults(pilot, numbers)]
        found.append(pilot)
    if not rows:
        faults.append("no row")
    if faults:
        raise OptionError(
            "U20", f"{len(faults)} faults in the results of pilots.", layer=source, details={str(i): f for i, f in enumerate(faults[:20], 1)},
            remedy="a row has site (id of a ranked section) or number, crossed and met (or crossings and km)",
        )  # fmt: skip
    return found


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value)) or str(value).strip() == ""


def _faults(p: Pilot, given: Mapping[str, float]) -> list[str]:
    wrong = [f"{k} = {v:g} is no whole number" for k, v in given.items() if k in ("crossed", "crossings", "met", "animals", "best_of") and v != int(v)]  # fmt: skip
    tests = [
        ("name either a site or a number", bool(p.site) != bool(p.number)), ("say how many crossed", p.crossed >= 0),
        ("give met, or km", (p.met > 0) != (p.km > 0)), ("more crossed than met", p.is_rate or p.crossed <= p.met),
        ("kilometres go with a number, not with a site", not (p.is_rate and p.site)), (f"met above {MOST}", p.met <= MOST),
        ("animals below 1, or more than encounters", p.animals >= 1 and (p.is_rate or p.animals <= max(p.met, 1))),
        ("icc or site_icc outside of 0 up to 1", 0 <= p.icc < 1 and 0 <= p.site_icc < 1), ("spread below 0", 0 <= p.spread < math.inf),
        ("best_of below 1", p.best_of >= 1),
    ]  # fmt: skip
    return [*wrong, *(what for what, good in tests if not good)]


def chance_counts(
    p: ArrayLike, met: int, animals: int = 1, icc: float = 0.1, rest: ArrayLike | None = None
) -> Floats:
    """Chance of every number of crossings, of encounters shared out evenly among animals that resemble themselves.

    Parameters
    ----------
    p : array, shape (N,)
        Crossing chance.
    met, animals : int
    icc : float
        Likeness of the encounters of one animal: its own chance is beta distributed with variance ``icc p (1 - p)``.
    rest : array, optional
        ``1 - p``, where it is known better.

    Returns
    -------
    array, shape (N, met + 1)

    Examples
    --------
    >>> chance_counts([0.5], 2, icc=0.0).round(12).tolist()
    [[0.25, 0.5, 0.25]]
    """
    up = np.atleast_1d(np.asarray(p, np.float64))
    down = 1 - up if rest is None else np.atleast_1d(np.asarray(rest, np.float64))
    least, more = divmod(met, animals)
    groups = [(least, animals - more), (least + 1, more)]
    out = np.ones((len(up), 1))
    for size, times in groups:
        if size and times:
            out = _times(out, _powered(_one_animal(up, down, size, icc), times))
    return out


def _one_animal(up: Floats, down: Floats, n: int, icc: float) -> Floats:
    """Beta-binomial chances, shape (N, n + 1); binomial without likeness."""
    x = np.arange(n + 1.0)
    choose = special.gammaln(n + 1) - special.gammaln(x + 1) - special.gammaln(n - x + 1)
    a, b = up[:, None], down[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        if icc <= 0:
            log = choose + special.xlogy(x, a) + special.xlogy(n - x, b)
            return np.exp(log)
        scale = (1 - icc) / icc
        a, b = np.maximum(a * scale, 0.0), np.maximum(b * scale, 0.0)
        log = choose + special.betaln(x + a, n - x + b) - special.betaln(a, b)
        found = np.exp(log)
    sure = (up <= 0, down <= 0)
    found[sure[0]], found[sure[1]] = (x == 0).astype(float), (x == n).astype(float)
    return found


def _times(a: Floats, b: Floats) -> Floats:
    """Chances of a sum, from the chances of two independent counts."""
    if a.shape[1] > b.shape[1]:
        a, b = b, a
    out = np.zeros((len(a), a.shape[1] + b.shape[1] - 1))
    for i in range(a.shape[1]):
        out[:, i : i + b.shape[1]] += a[:, i : i + 1] * b
    return out


def _powered(a: Floats, times: int) -> Floats:
    out = np.ones((len(a), 1))
    while times:
        if times % 2:
            out = _times(out, a)
        times //= 2
        a = _times(a, a) if times else a
    return out


def site_nodes(p: ArrayLike, site_icc: float, count: int) -> tuple[Floats, Floats]:
    """Own chances of openings whose kind has chance ``p``, and their weights: Gauss's rule for a beta distribution.

    Parameters
    ----------
    p : array, shape (N,)
    site_icc : float
        Variance of the openings' chances over ``p (1 - p)``.
    count : int
        How many; exact for polynomials of degree ``2 count - 1``.

    Returns
    -------
    (array, array), shape (N, count)

    References
    ----------
    Golub & Welsch 1969, doi:10.1090/S0025-5718-69-99647-1.

    Examples
    --------
    >>> q, w = site_nodes([0.3], 0.1, 4)
    >>> round(float((q * w).sum()), 12), round(float(((q - 0.3) ** 2 * w).sum() / 0.21), 12)
    (0.3, 0.1)
    """
    mean = np.clip(np.atleast_1d(np.asarray(p, np.float64)), 1e-9, 1 - 1e-9)[:, None]
    scale = (1 - site_icc) / site_icc
    beta, alpha = mean * scale - 1, (1 - mean) * scale - 1  # of Jacobi polynomials on -1..1
    n = np.arange(count)[None, :]
    total = alpha + beta
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = (beta**2 - alpha**2) / ((2 * n + total) * (2 * n + total + 2))
        middle[:, 0] = ((beta - alpha) / (total + 2))[:, 0]
        m = np.arange(1, count)[None, :]
        side = (
            4 * m * (m + alpha) * (m + beta) * (m + total)
            / ((2 * m + total) ** 2 * (2 * m + total + 1) * (2 * m + total - 1))
        )  # fmt: skip
        if count > 1:
            first = 4 * (1 + alpha) * (1 + beta) / ((2 + total) ** 2 * (3 + total))
            side[:, 0] = first[:, 0]
    matrix = np.zeros((len(mean), count, count))
    i = np.arange(count)
    matrix[:, i, i] = middle
    matrix[:, i[1:], i[:-1]] = matrix[:, i[:-1], i[1:]] = np.sqrt(np.maximum(side, 0.0))
    places, vectors = np.linalg.eigh(matrix)
    return np.clip((places + 1) / 2, 0.0, 1.0), vectors[:, 0, :] ** 2


def mixed_over_sites(p: ArrayLike, pilot: Pilot, rest: ArrayLike | None = None) -> Floats:
    """Chance of every number of crossings at an opening of a kind with chance ``p``.

    Parameters
    ----------
    p : array, shape (N,)
        Chance of the kind.
    pilot : Pilot
    rest : array, optional
        ``1 - p``.

    Returns
    -------
    array, shape (N, met + 1)

    Examples
    --------
    >>> row = Pilot(number="x", crossed=0, met=1, site_icc=0.2)
    >>> mixed_over_sites([0.3], row).round(9).tolist()  # one encounter knows nothing of likeness
    [[0.7, 0.3]]
    """
    up = np.atleast_1d(np.asarray(p, np.float64))
    if pilot.site_icc <= 0:
        return chance_counts(up, pilot.met, pilot.animals, pilot.icc, rest)
    q, w = site_nodes(up, pilot.site_icc, min(pilot.met // 2 + 1, NODES))
    each = chance_counts(q.ravel(), pilot.met, pilot.animals, pilot.icc).reshape(*q.shape, -1)
    found = np.einsum("nj,njx->nx", w, each)
    sure = np.zeros(pilot.met + 1)
    sure[0] = 1.0
    found[up <= 0], found[up >= 1] = sure, sure[::-1]
    return np.asarray(found)


def log_likelihood(pilot: Pilot, value: ArrayLike, rest: ArrayLike | None = None) -> Floats:
    """Logarithm of the chance of what a pilot saw.

    Parameters
    ----------
    pilot : Pilot
    value : array, shape (N,)
        Crossing chance of openings of its kind; of kilometres worked: crossings per km.
    rest : array, optional
        One less the chance, where it is known better.

    Returns
    -------
    array, shape (N,)

    Notes
    -----
    Of the best of ``k`` openings the chance is ``F(x)^k - F(x - 1)^k``: a result that was picked because it was the best says less.

    Examples
    --------
    >>> seen = Pilot(number="x", crossed=2, met=2, icc=0.0, site_icc=0.0)
    >>> np.exp(log_likelihood(seen, [0.5])).tolist()
    [0.25]
    """
    v = np.atleast_1d(np.asarray(value, np.float64))
    with np.errstate(divide="ignore", invalid="ignore"):
        if pilot.is_rate:
            return _log_rate(pilot, v)
        if pilot.best_of == 1 and pilot.animals == 1 and pilot.site_icc <= 0 and pilot.icc <= 0:
            down = 1 - v if rest is None else np.asarray(rest, np.float64)
            choose = -math.log(pilot.met + 1) - float(
                special.betaln(pilot.crossed + 1, pilot.met - pilot.crossed + 1)
            )
            return np.asarray(
                choose + special.xlogy(pilot.crossed, v) + special.xlogy(pilot.met - pilot.crossed, down)
            )
        counts = mixed_over_sites(v, pilot, rest)
        if pilot.best_of == 1:
            return np.log(counts[:, pilot.crossed])
        below = counts[:, : pilot.crossed].sum(axis=1)
        upto = below + counts[:, pilot.crossed]
        return np.log(np.maximum(upto**pilot.best_of - below**pilot.best_of, 0.0))


def _log_rate(pilot: Pilot, rate: Floats) -> Floats:
    """Gamma-Poisson (negative binomial) chance of crossings in kilometres, shared out evenly among animals."""
    mean, y = rate * pilot.km, pilot.crossed
    if pilot.spread <= 0:
        log, upto = special.xlogy(y, mean) - mean - special.gammaln(y + 1), special.gammaincc(y + 1, mean)
    else:
        r = pilot.animals / pilot.spread**2
        share = mean / (mean + r)
        log = (
            special.gammaln(y + r)
            - special.gammaln(r)
            - special.gammaln(y + 1)
            + r * np.log1p(-share)
            + special.xlogy(y, share)
        )
        upto = special.betainc(r, y + 1, r / (mean + r))
    if pilot.best_of == 1:
        return np.asarray(log)
    below = np.maximum(upto - np.exp(log), 0.0)
    return np.log(np.maximum(upto**pilot.best_of - below**pilot.best_of, 0.0))
