"""Step selection with barriers: how much less likely is a step because it crosses a line.

Each step that was taken is compared with steps that could have been taken from the same place.  The exponential of the
coefficient of crossing is kappa: 1 for a line that nothing cares about, 0 for one that nothing crosses.

References
----------
Avgar et al. 2016, doi:10.1111/2041-210X.12528; Fieberg et al. 2021, doi:10.1111/1365-2656.13441; Beyer et al. 2016,
doi:10.1111/1365-2656.12275.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from permeability.barriers.lines import Barriers
from permeability.core.errors import OptionError, SolverError, check_choice
from permeability.core.estimate import Estimate
from permeability.core.result_rows import Rows
from permeability.layers.grid import Grid
from permeability.telemetry.controls import LOCAL_DAYS, SHORTEST_M, Choices, choices
from permeability.telemetry.kappa import cost_of_kappa
from permeability.telemetry.line_classes import groups
from permeability.telemetry.line_index import LineIndex
from permeability.telemetry.logit import Fit, conditional_logit
from permeability.telemetry.placebo import PLACES, Placebo, mean_placebo, moves, one_a_copy
from permeability.telemetry.random_effects import Mixed, mixed
from permeability.telemetry.tracks import Tracks

__all__ = ["StepSelection", "step_selection"]

Floats = NDArray[np.float64]

LEAST_CROSSED = 10  # steps and controls together; of a group that is crossed less nothing can be said
MOVEMENT = ("step_km", "log_step", "cos_turn")


@dataclass(frozen=True)
class StepSelection(Rows):
    """Permeability of lines, by group.

    Attributes
    ----------
    table : DataFrame
        One row per group: ``group``, ``crossing_steps`` (taken), ``kappa_low``, ``kappa``, ``kappa_high`` (all animals together),
        ``kappa_animals_low``, ``kappa_animals``, ``kappa_animals_high`` (mean over animals that differ), ``sd_between`` (of log kappa),
        ``kappa_new_low``, ``kappa_new_high`` (a new animal), ``cost_km_low``, ``cost_km``, ``cost_km_high``, ``log_sd`` (standard error of the
        logarithm of the cost), ``placebo``, ``placebo_low``, ``placebo_high``, ``usable``, ``note``.
    coefficients : DataFrame
        ``animal`` (``"all"`` for all together), ``covariate``, ``beta``, ``error``.
    step_h : float
        [h].
    strata : int
        Steps that were taken.
    tracks : Tracks
    barriers : Barriers

    Examples
    --------
    >>> StepSelection._face
    'step_selection'
    """

    table: pd.DataFrame
    coefficients: pd.DataFrame
    step_h: float
    strata: int
    tracks: Tracks = field(repr=False)
    barriers: Barriers = field(repr=False)

    _face = "step_selection"
    _asked = ("group",)

    def __repr__(self) -> str:
        told = "; ".join(
            f"{r.group} {r.kappa:.2f} ({r.kappa_low:.2f}-{r.kappa_high:.2f}){'' if r.usable else ', unusable'}"
            for r in self.table.itertuples()
        )
        mark = "simulated tracks, " if self.tracks.simulated else ""
        return f"StepSelection({mark}{self.strata:,} steps of {self.step_h:.3g} h: kappa {told})"

    def of(self, group: str) -> Estimate:
        """The crossing cost of one group as an estimate [km], graded ``measured`` (``X``, a placeholder, where the tracks are simulated).

        Raises
        ------
        OptionError
            F23 for a group that is not there or has no finite cost.
        """
        rows = self.table[self.table["group"] == group]
        if len(rows) == 0 or not np.isfinite(rows["cost_km_high"].iloc[0]):
            raise OptionError(
                "F23", f"there is no measured crossing cost of {group!r}.",
                details={"groups": ", ".join(self.table["group"])}, remedy="see the column note of .table",
            )  # fmt: skip
        row = rows.iloc[0]
        low, best, high = (max(float(row[c]), 1e-3) for c in ("cost_km_low", "cost_km", "cost_km_high"))
        mark = "SIMULATED tracks (no animal walked them)" if self.tracks.simulated else "tracks"
        source = (
            f"step selection on {mark} {self.tracks.source}: kappa {row['kappa']:.2f}, {self.strata} steps of {self.step_h:.3g} h of "
            f"{len(self.tracks.animals)} animals"
        )
        return Estimate(low, best, high, "km", self.tracks.grade, source, "log")


def step_selection(
    tracks: Tracks,
    barriers: Barriers,
    *,
    by: str = "class",
    step_h: float | None = None,
    tolerance: float = 0.1,
    controls: int = 20,
    local_days: float | None = LOCAL_DAYS,
    crossing: str = "any",
    rasters: Mapping[str, tuple[Floats, Grid]] | None = None,
    when: Mapping[str, Callable[[pd.DatetimeIndex], Any]] | None = None,
    length_matters: bool = False,
    openings: gpd.GeoDataFrame | None = None,
    reach_m: float = 250.0,
    firth: bool = True,
    placebos: int = 20,
    rng: int = 0,
) -> StepSelection:
    """Integrated step selection with crossings of lines.

    Covariates are the length of a step, its logarithm, the cosine of the turn, a crossing term for every group of lines, and
    what is asked for; their coefficients are those of a conditional logit.  ``kappa = exp(beta)`` of a crossing.

    Parameters
    ----------
    tracks : Tracks
        In the coordinate system of the barriers.
    barriers : Barriers
    by : str
        ``"class"``, ``"all"`` or a column of the barriers.
    step_h, tolerance
        See :meth:`Tracks.bursts`.
    controls : int
        Controls of every step.
    local_days : float or None
        Controls are as long, and turn as much, as other steps of the animal within so many days: what it could have done depends on whether
        it rested or travelled then.  None: gamma lengths and von Mises turns of the whole track; on tracks whose activity changes this makes
        kappa a few per cent too low (docs/tracks.md).
    crossing : {"any", "number"}
        Whether a step crosses, or how many lines of the group.
    rasters : mapping, optional
        Name -> (values, grid): the value at the end of a step; outside of the grid the mean.
    when : mapping, optional
        Name -> function of times (UTC): traffic at that hour, season, night.  Enters as an interaction with crossing, less its mean, so
        that kappa is that at the mean.
    length_matters : bool
        Also the logarithm of the step length times crossing.
    openings : GeoDataFrame, optional
        Points: crossings within ``reach_m`` of one get a term of their own, ``crossing_at_opening``.
    reach_m : float
        [m].
    firth : bool
        See :func:`permeability.telemetry.logit.conditional_logit`.
    placebos : int
        Turned copies of the lines, each laid at four places of the range; 0 leaves them out, and every estimate unusable.
    rng : int

    Returns
    -------
    StepSelection

    Raises
    ------
    LayerError
        F02, F03 for tracks that cannot be used.
    GridMismatchError
        F04 for tracks in another coordinate system.
    OptionError
        F06, F21, F31, F33; O01 for an unknown ``crossing``; F32 when hardly any step or control crosses a line (such groups are left out).
    SolverError
        F30 when the fit does not settle.

    References
    ----------
    doi:10.1111/2041-210X.12528, doi:10.1111/1365-2656.13441, doi:10.1093/biomet/80.1.27.

    Examples
    --------
    >>> import permeability as pm
    >>> tracks, barriers = pm.telemetry.samples.herd()
    >>> found = pm.telemetry.step_selection(tracks, barriers, placebos=0)
    >>> bool(found.table["kappa"].iloc[0] < 0.8)
    True
    """
    tracks.require_usable(barriers.table.crs)
    check_choice("crossing", crossing, ("any", "number"))
    bursts = tracks.bursts(step_h, tolerance)
    setup = _Setup(barriers, by, crossing, rasters or {}, when or {}, length_matters, openings, reach_m)
    sets = choices(bursts, controls, rng, local_days)
    x, names = setup.design(sets)
    met = [g for g in range(len(setup.groups)) if np.count_nonzero(x[:, 3 + g]) >= LEAST_CROSSED]
    if not met:
        raise OptionError(
            "F32", f"no group of lines is crossed by {LEAST_CROSSED} steps and controls together.",
            remedy="check that tracks and lines lie in one area, or leave these lines out",
        )  # fmt: skip
    seldom = {3 + g for g in range(len(setup.groups)) if g not in met}
    keep = [i for i in range(x.shape[1]) if i not in seldom and np.ptp(x[:, i]) > 0]
    x, names = x[:, keep], [names[i] for i in keep]
    every = conditional_logit(x, sets.options, firth=firth)
    single = _by_animal(x, sets, firth)
    logs = _placebos(setup, sets, keep, names, placebos, firth, rng)
    rows = [
        _row(setup.groups[g], names, every, single, logs, sets, setup.taken(sets, g), bursts.step_h)
        for g in met
    ]
    return StepSelection(
        pd.DataFrame(rows),
        _coefficients(names, every, single, sets.animals),
        bursts.step_h,
        len(sets.who),
        tracks,
        barriers,
    )


class _Setup:
    """What the covariates are made of."""

    def __init__(
        self, barriers: Barriers, by: str, crossing: str, rasters: Mapping[str, tuple[Floats, Grid]],
        when: Mapping[str, Callable[[pd.DatetimeIndex], Any]], length_matters: bool, openings: Any, reach_m: float,
    ) -> None:  # fmt: skip
        self.groups, self.group = groups(barriers, by)
        self.index = LineIndex(barriers.table.geometry.to_numpy())
        self.crossing, self.rasters, self.when, self.length_matters = crossing, rasters, when, length_matters
        self.reach_m = reach_m
        places = None if openings is None else openings.to_crs(barriers.table.crs).geometry.to_numpy()
        self.openings = None if places is None else shapely.STRtree(places)

    def crossed(self, sets: Choices) -> tuple[Floats, Floats]:
        """Crossings of all rows by group, shape (rows, groups), and whether one is at an opening, shape (rows,)."""
        a = np.repeat(sets.start, sets.options, axis=0)
        b = sets.end.reshape(-1, 2)
        cuts = self.index.cuts(a, b)
        n = np.zeros((len(a), len(self.groups)))
        np.add.at(n, (cuts.step, self.group[cuts.row]), 1.0)
        at = np.zeros(len(a))
        if self.openings is not None and len(cuts):
            place = a[cuts.step] + cuts.share[:, None] * (b - a)[cuts.step]
            near = self.openings.query(shapely.points(place), predicate="dwithin", distance=self.reach_m)[0]
            at[cuts.step[near]] = 1.0
        return (np.minimum(n, 1.0) if self.crossing == "any" else n), at

    def taken(self, sets: Choices, g: int) -> int:
        """Steps taken that cross a group."""
        cuts = self.index.cuts(sets.start, sets.end[:, 0])
        return len(np.unique(cuts.step[self.group[cuts.row] == g]))

    def design(self, sets: Choices) -> tuple[Floats, list[str]]:
        """All covariates, shape (rows, covariates), and their names."""
        length = sets.length_m.ravel()
        n, at = self.crossed(sets)
        log = np.log(np.maximum(length, SHORTEST_M) / 1000)
        columns = [length / 1000, log, np.cos(sets.turn).ravel(), *n.T]
        names = [*MOVEMENT, *(f"crossing:{g}" for g in self.groups)]
        some = np.minimum(n.sum(axis=1), 1.0)
        for name, function in self.when.items():
            value = np.asarray(function(pd.to_datetime(sets.time, unit="s", utc=True)), float)
            columns.append(some * np.repeat(value - np.nanmean(value), sets.options))
            names.append(f"crossing x {name}")
        if self.length_matters:
            columns.append(some * (log - log.mean()))
            names.append("crossing x log_step")
        if self.openings is not None:
            columns.append(at)
            names.append("crossing_at_opening")
        for name, (values, grid) in self.rasters.items():
            columns.append(_sampled(values, grid, sets.end.reshape(-1, 2)))
            names.append(name)
        return np.stack(columns, axis=1), names


def _sampled(values: Floats, grid: Grid, xy: Floats) -> Floats:
    """Value of the cell of each place; the mean of all where there is none."""
    row, col = grid.cells_of(xy[:, 0], xy[:, 1])
    inside = grid.contains(row, col)
    out = np.full(len(xy), np.nan)
    out[inside] = np.asarray(values, float)[row[inside], col[inside]]
    return np.where(np.isfinite(out), out, np.nanmean(out) if np.isfinite(out).any() else 0.0)


def _by_animal(x: Floats, sets: Choices, firth: bool) -> list[tuple[int, list[int], Fit]]:
    """(animal, covariates that differ for it, fit) for every animal that can be fitted by itself."""
    found = []
    rows = x.reshape(len(sets.who), sets.options, -1)
    for i in range(len(sets.animals)):
        mine = rows[sets.who == i].reshape(-1, x.shape[1])
        keep = [k for k in range(x.shape[1]) if len(mine) and np.ptp(mine[:, k]) > 0]
        if len(mine) >= sets.options * 10 * max(len(keep), 1):
            try:
                found.append((i, keep, conditional_logit(mine[:, keep], sets.options, firth=firth)))
            except SolverError:
                continue
    return found


def _placebos(
    setup: _Setup, sets: Choices, keep: list[int], names: list[str], copies: int, firth: bool, rng: int
) -> dict[str, Floats]:
    """Logarithm of kappa on displaced copies and its standard error, by covariate, shape (2, copies); NaN where nothing is crossed."""
    draw = np.random.default_rng([rng, 1])
    found: dict[str, list[tuple[float, float]]] = {n: [] for n in names if n.startswith("crossing:")}
    count = np.maximum(np.bincount(sets.who, minlength=len(sets.animals)), 1)[:, None]
    sums = [np.bincount(sets.who, weights=sets.start[:, i], minlength=len(sets.animals)) for i in (0, 1)]
    centre: Floats = np.asarray(np.stack(sums, axis=1) / count, dtype=np.float64)
    off = sets.start - centre[sets.who]
    radius = np.sqrt(
        np.bincount(sets.who, weights=np.sum(off**2, axis=1), minlength=len(sets.animals)) / count[:, 0]
    )
    for turn, shift in moves(copies, len(count), draw, PLACES):
        there = _turned(sets, centre, centre + shift * radius[:, None], turn)
        x = setup.design(there)[0][:, keep]
        differ = [i for i in range(x.shape[1]) if np.ptp(x[:, i]) > 0]
        try:
            fit = conditional_logit(x[:, differ], sets.options, firth=firth)
        except SolverError:
            fit = None
        for name, values in found.items():
            i = names.index(name)
            at = differ.index(i) if i in differ else -1
            if fit is None or at < 0:
                values.append((np.nan, np.nan))
            else:
                values.append((float(fit.beta[at]), float(fit.error[at])))
    return {n: np.stack(one_a_copy(*np.asarray(v, float).reshape(-1, 2).T)) for n, v in found.items()}


def _turned(sets: Choices, centre: Floats, there: Floats, turn: Floats) -> Choices:
    """Choices turned [radians] about the middle of each animal's range, which comes to lie ``there``."""
    c, s = np.cos(turn)[sets.who], np.sin(turn)[sets.who]
    matrix = np.stack([np.stack([c, -s], axis=1), np.stack([s, c], axis=1)], axis=1)
    base = there[sets.who]

    def move(xy: Floats) -> Floats:
        return np.asarray(base[:, None] + np.einsum("sij,soj->soi", matrix, xy - centre[sets.who][:, None]))

    start = move(sets.start[:, None])[:, 0]
    return Choices(
        sets.animals, sets.who, sets.time, start, move(sets.end), sets.turn, sets.step_km, sets.mean_cos
    )


def _row(
    group: str, names: list[str], every: Fit, single: list[tuple[int, list[int], Fit]], logs: dict[str, Floats], sets: Choices,
    taken: int, step_h: float,
) -> dict[str, object]:  # fmt: skip
    at = names.index(f"crossing:{group}")
    own = [(f.beta[k.index(at)], f.error[k.index(at)]) for _, k, f in single if at in k]
    spread = mixed(*np.asarray(own).T) if own else mixed(np.zeros(0), np.zeros(0))
    beta, error = float(every.beta[at]), float(every.error[at])
    low, best, high = (float(np.exp(v)) for v in (beta - 1.96 * error, beta, beta + 1.96 * error))
    wide = _widest(low, high, spread)
    placebo = mean_placebo(*logs[f"crossing:{group}"])
    spread_k = max(error, spread.error if np.isfinite(spread.error) else 0.0)
    ends = [
        max(cost_of_kappa(float(np.exp(beta + e)), sets.step_km, sets.mean_cos), 1e-3)
        for e in (-spread_k, spread_k)
    ]
    return {
        "group": group, "crossing_steps": taken, "kappa_low": low, "kappa": best, "kappa_high": high,
        "kappa_animals_low": float(np.exp(spread.low)), "kappa_animals": float(np.exp(spread.mean)),
        "kappa_animals_high": float(np.exp(spread.high)), "sd_between": spread.sd, "kappa_new_low": float(np.exp(spread.new_low)),
        "kappa_new_high": float(np.exp(spread.new_high)), "cost_km_low": cost_of_kappa(wide[1], sets.step_km, sets.mean_cos),
        "cost_km": cost_of_kappa(best, sets.step_km, sets.mean_cos), "cost_km_high": cost_of_kappa(wide[0], sets.step_km, sets.mean_cos),
        "log_sd": float(np.log(ends[0] / ends[1])) / 2, "placebo": placebo.ratio, "placebo_low": placebo.low, "placebo_high": placebo.high, "usable": placebo.usable,
        "note": _note(placebo, taken, len(own), step_h),
    }  # fmt: skip


def _widest(low: float, high: float, spread: Mixed) -> tuple[float, float]:
    """Interval of kappa with and without the spread between animals: the wider ends."""
    if not np.isfinite(spread.low):
        return low, high
    return min(low, float(np.exp(spread.low))), max(high, float(np.exp(spread.high)))


def _note(placebo: Placebo, taken: int, animals: int, step_h: float) -> str:
    told = []
    if placebo.why:
        told.append(f"unusable: {placebo.why}" if placebo.copies else "unusable: no placebo was asked for")
    if taken == 0:
        told.append("no step crosses: kappa is what the penalty makes of it, read its upper end only")
    if animals < 2:
        told.append("one animal: the spread between animals is not known")
    told.append(f"kappa belongs to steps of {step_h:.3g} h")
    return "; ".join(told)


def _coefficients(
    names: list[str], every: Fit, single: list[tuple[int, list[int], Fit]], animals: tuple[str, ...]
) -> pd.DataFrame:
    rows = [("all", n, float(b), float(e)) for n, b, e in zip(names, every.beta, every.error, strict=True)]
    for i, keep, fit in single:
        rows += [
            (animals[i], names[k], float(b), float(e))
            for k, b, e in zip(keep, fit.beta, fit.error, strict=True)
        ]
    return pd.DataFrame(rows, columns=["animal", "covariate", "beta", "error"])
