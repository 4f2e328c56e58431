"""The crossing cost measured: kilometres worked along a line per crossing.

The model says that a try fails with chance ``1 - p`` and then costs ``m`` kilometres along the line, so a crossing costs
``C = m (1 - p) / p``: the kilometres worked along the line over the crossings, however the way is cut into encounters.  What an
animal that takes no notice of the line walks near it per crossing is taken off.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from permeability.barriers.lines import Barriers
from permeability.core.errors import OptionError
from permeability.core.estimate import Estimate
from permeability.core.result_rows import Rows
from permeability.telemetry.coarse_fixes import Corrected, corrected, signs_of_tracks
from permeability.telemetry.exposure import Exposure, Meter
from permeability.telemetry.intervals import per_crossing
from permeability.telemetry.placebo import Placebo, displaced, ratio_placebo
from permeability.telemetry.tracks import Tracks

__all__ = ["CrossingCosts", "crossing_cost"]

FINE_H = 1.0  # beyond this, part of the way along a line and of the crossings is not seen
COARSE_H = (
    4.0  # beyond this, herds with known costs are measured up to half too low (benchmarks/tracks_coverage.py)
)
COARSEST_H = 8.5  # beyond this, the correction was not tried
MISFIT = 3.0  # standard errors by which the signs of the tracks may differ from those of the walk that comes nearest
LARGE = 1.5  # a correction by more than this factor, beyond 4 h, rests on the simulated walk more than on the tracks
LEAST_KM = 1e-3  # below a metre a cost says nothing


@dataclass(frozen=True)
class CrossingCosts(Rows):
    """Crossing costs by group of lines.

    Attributes
    ----------
    table : DataFrame
        One row per group: ``group``, ``animals`` (that came near), ``animals_crossing``, ``km_worked``, ``crossings``,
        ``chord_km`` (of an indifferent walk, per crossing), ``cost_km_low``, ``cost_km``, ``cost_km_high``, ``log_sd`` (standard
        error of the logarithm of the cost), ``corrected`` (by simulation, for coarse fixes), ``uncorrected_km``, ``ratio`` (kilometres per crossing over those of an indifferent walk), ``placebo``, ``placebo_low``, ``placebo_high``, ``usable``, ``note``.
    by_animal : DataFrame
        ``animal``, ``group``, ``km_worked``, ``crossings``.
    buffer_m : float
        What counts as along the line [m].
    step_h : float
        Between fixes [h].
    tracks : Tracks
    barriers : Barriers

    Examples
    --------
    >>> import permeability as pm
    >>> tracks, barriers = pm.telemetry.samples.walk()
    >>> found = pm.telemetry.crossing_cost(tracks, barriers, buffer_m=100)
    >>> round(found.of("stock").best, 2)
    1.87
    """

    table: pd.DataFrame
    by_animal: pd.DataFrame
    buffer_m: float
    step_h: float
    tracks: Tracks = field(repr=False)
    barriers: Barriers = field(repr=False)

    _face = "crossing_costs"
    _asked = ("group",)

    def __repr__(self) -> str:
        told = "; ".join(f"{r.group} {_told(r)}" for r in self.table.itertuples())
        mark = "simulated tracks, " if self.tracks.simulated else ""
        return f"CrossingCosts({mark}within {self.buffer_m:g} m, fixes every {self.step_h:.3g} h: {told})"

    def of(self, group: str) -> Estimate:
        """The cost of one group as an estimate [km], graded ``measured`` (``X``, a placeholder, where the tracks are simulated).

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
        low, best, high = (max(float(row[c]), LEAST_KM) for c in ("cost_km_low", "cost_km", "cost_km_high"))
        return Estimate(low, best, high, "km", self.tracks.grade, source_of(self.tracks, row), "log")


def _told(row: object) -> str:
    low, best, high = (getattr(row, c) for c in ("cost_km_low", "cost_km", "cost_km_high"))
    if np.isnan(best):
        return "never met"
    text = f"at least {low:.3g} km" if np.isinf(best) else f"{best:.3g} km ({low:.3g}-{high:.3g})"
    return text if getattr(row, "usable") else f"{text}, unusable"  # noqa: B009


def source_of(tracks: Tracks, row: pd.Series) -> str:
    """Where a measured number comes from, in words."""
    mark = "SIMULATED tracks (no animal walked them)" if tracks.simulated else "tracks"
    return (
        f"measured from {mark} {tracks.source}: {int(row['crossings'])} crossings in {row['km_worked']:.1f} km worked by "
        f"{int(row['animals'])} animals"
    )


def crossing_cost(
    tracks: Tracks,
    barriers: Barriers,
    *,
    by: str = "class",
    buffer_m: float = 150.0,
    error_m: float | None = None,
    max_gap_h: float | None = None,
    placebos: int = 20,
    draws: int = 1000,
    line_draws: int = 0,
    correct: bool = True,
    rng: int = 0,
) -> CrossingCosts:
    """Crossing cost of each group of lines: kilometres worked along it per crossing, with interval and placebo.

    ``C = K / n - pi A / (2 L)``: ``K`` kilometres walked within ``buffer_m`` of the lines, ``n`` crossings, and off it what an animal
    that takes no notice of the lines walks there per crossing (``pi d`` for one long line), times the cuts per crossing on displaced
    copies of the lines, for not every cut counts as a crossing.  The interval is Poisson within an animal and
    a bootstrap between animals (:func:`permeability.telemetry.intervals.per_crossing`).

    Parameters
    ----------
    tracks : Tracks
        In the coordinate system of the barriers.
    barriers : Barriers
    by : str
        ``"class"`` (as in species profiles), ``"all"``, or a column of the barriers such as ``"line"``.
    buffer_m : float
        Half width of what counts as along the line [m]; several times the error of fix and line.
    error_m, max_gap_h
        See :func:`permeability.telemetry.line_crossings.crossings`.
    placebos : int
        Displaced copies of the lines; 0 leaves them out, and every estimate unusable.
    draws : int
        Of the bootstrap between animals.
    line_draws : int
        Times that every line is moved as a whole by its stated accuracy; the interval then covers all of them.
    correct : bool
        Whether costs from fixes more than an hour apart are corrected by simulation (:mod:`permeability.telemetry.coarse_fixes`).
    rng : int

    Returns
    -------
    CrossingCosts

    Raises
    ------
    LayerError
        F02, F03 for tracks that cannot be used.
    GridMismatchError
        F04 for tracks in another coordinate system.
    OptionError
        F21 for a column that is not there, F24 for a buffer that is not wider than the errors.

    References
    ----------
    Garwood 1936, doi:10.1093/biomet/28.3-4.437; Santaló 1976, doi:10.1017/CBO9780511617331.

    Examples
    --------
    >>> import permeability as pm
    >>> tracks, barriers = pm.telemetry.samples.walk()
    >>> crossing_cost(tracks, barriers, buffer_m=100).table[["group", "km_worked", "crossings"]].round(2).values.tolist()
    [['stock', 2.22, 1]]
    """
    tracks.require_usable(barriers.table.crs)
    require_buffer(tracks, barriers, buffer_m, error_m)
    meter = Meter(barriers, by, buffer_m)
    found = meter.measure(tracks, error_m=error_m, max_gap_h=max_gap_h)
    copies = [
        meter.measure(t, error_m=error_m, max_gap_h=max_gap_h, chord_km=found.chord_km)
        for t in displaced(tracks, placebos, rng)
    ]
    chord = found.chord_km * _unseen(copies, len(found.groups))
    spans = [_spans(found, chord, draws, rng)]
    for barriers_there in _jittered(barriers, line_draws, rng):
        there = Meter(barriers_there, by, buffer_m).measure(
            tracks, error_m=error_m, max_gap_h=max_gap_h, chord_km=found.chord_km
        )
        spans.append(_spans(there, chord, draws, rng))
    fixed = _corrections(meter, found, spans[0], tracks, error_m, max_gap_h, rng) if correct else {}
    rows = [
        _row(found, g, float(chord[g]), spans, copies, tracks, fixed.get(g)) for g in range(len(found.groups))
    ]
    return CrossingCosts(
        pd.DataFrame(rows), _by_animal(found), float(buffer_m), tracks.interval_h, tracks, barriers
    )


def require_buffer(tracks: Tracks, barriers: Barriers, buffer_m: float, error_m: float | None) -> None:
    """Refuse a buffer that is not wider than the errors of fix and line together (F24)."""
    from permeability.telemetry.line_crossings import both_errors

    error = both_errors(tracks, barriers, error_m)
    if not buffer_m > error:
        raise OptionError(
            "F24", f"buffer_m = {buffer_m:g} is not wider than the errors of fix and line together ({error:.0f} m).",
            remedy="use a buffer of several times the error, such as 150 m",
        )  # fmt: skip


def _unseen(copies: list[Exposure], groups: int) -> np.ndarray:
    """Cuts per crossing on displaced copies, shape (groups,): a way that touches a line, or turns within the errors, is no crossing."""
    cuts = sum((c.cuts.sum(axis=0) for c in copies), np.zeros(groups))
    crossings = sum((c.crossings.sum(axis=0) for c in copies), np.zeros(groups))
    return np.where(crossings > 0, cuts / np.maximum(crossings, 1), 1.0)


def _spans(found: Exposure, chord: np.ndarray, draws: int, rng: int) -> np.ndarray:
    """Low, best, high of each group, shape (groups, 3), the chord taken off [km]."""
    raw = [per_crossing(found.km[:, g], found.crossings[:, g], draws, rng) for g in range(len(found.groups))]
    return np.maximum(np.asarray(raw) - chord[:, None], 0.0)


def _jittered(barriers: Barriers, times: int, rng: int) -> list[Barriers]:
    """Lines moved by their stated accuracy, the rows of a line together."""
    import shapely

    from permeability.telemetry.line_crossings import ACCURACY_M

    draw = np.random.default_rng(rng)
    stated = pd.to_numeric(barriers.table["accuracy_m"], errors="coerce").fillna(ACCURACY_M).to_numpy(float)
    names, line = np.unique(barriers.table["line"].astype(str).to_numpy(dtype=str), return_inverse=True)
    found = []
    for _ in range(times):
        shift = stated[:, None] * draw.normal(size=(len(names), 2))[line]
        shapes = [
            shapely.transform(g, lambda xy, s=s: xy + s)
            for g, s in zip(barriers.table.geometry, shift, strict=True)
        ]
        found.append(
            Barriers(barriers.table.set_geometry(shapes, crs=barriers.table.crs), barriers.chainages)
        )
    return found


def _row(
    found: Exposure,
    g: int,
    chord: float,
    spans: list[np.ndarray],
    copies: list[Exposure],
    tracks: Tracks,
    fixed: Corrected | None = None,
) -> dict[str, object]:
    km, n = float(found.km[:, g].sum()), int(found.crossings[:, g].sum())
    low, best, high = min(s[g, 0] for s in spans), spans[0][g, 1], max(s[g, 2] for s in spans)
    raw, held = float(best), fixed is not None and fixed.misfit < MISFIT
    log_sd = _log_sd(found.km[:, g], found.crossings[:, g], raw)
    if held and fixed is not None:
        wider = spans[0][g, 0] / low if low > 0 else 1.0, high / spans[0][g, 2] if spans[0][g, 2] > 0 else 1.0
        low, best, high, log_sd = (
            (fixed.low / wider[0] if low > 0 else 0.0),
            fixed.best,
            fixed.high * wider[1],
            fixed.log_sd,
        )
    large = (
        tracks.interval_h > COARSE_H
        and held
        and abs(np.log(max(float(best), LEAST_KM) / max(raw, LEAST_KM))) > np.log(LARGE)
    )
    placebo = ratio_placebo(
        np.asarray([c.km[:, g].sum() for c in copies]),
        np.asarray([c.cuts[:, g].sum() * found.chord_km[g] for c in copies]),
    )
    return {
        "group": found.groups[g],
        "animals": int(np.sum(found.km[:, g] > 0)),
        "animals_crossing": int(np.sum(found.crossings[:, g] > 0)),
        "km_worked": km,
        "crossings": n,
        "chord_km": chord,
        "cost_km_low": low,
        "cost_km": best,
        "cost_km_high": high,
        "log_sd": log_sd,
        "corrected": held,
        "uncorrected_km": raw,
        "ratio": km / (n * chord) if n else np.inf if km > 0 else np.nan,
        "placebo": placebo.ratio,
        "placebo_low": placebo.low,
        "placebo_high": placebo.high,
        "usable": placebo.usable
        and km > 0
        and not tracks.interval_h > (COARSEST_H if held else COARSE_H)
        and not large,
        "note": _note(placebo, km, n, tracks, held, raw)
        + ("; unusable: the correction is larger than half of what was measured" if large else ""),
    }


def _log_sd(km: np.ndarray, crossings: np.ndarray, cost: float) -> float:
    """Standard error of the logarithm of the cost: of counts, or of the ratio over animals where they differ by more."""
    n, total = float(crossings.sum()), float(km.sum())
    if n == 0 or not np.isfinite(cost):
        return float("nan")
    met = (km > 0) | (crossings > 0)
    a = int(met.sum())
    between = np.sum((km - total / n * crossings)[met] ** 2) * a / max(a - 1, 1) / total**2 if a > 1 else 0.0
    return float(np.sqrt(max(1 / n, between)) * total / n / max(cost, LEAST_KM))


def _note(placebo: Placebo, km: float, n: int, tracks: Tracks, held: bool, raw: float) -> str:
    """What a reader must know of an estimate, in words."""
    told = []
    if km == 0:
        return "no animal came near"
    if placebo.why:
        told.append(f"unusable: {placebo.why}" if placebo.copies else "unusable: no placebo was asked for")
    if n == 0:
        told.append("nothing crossed: only a lower bound is known")
    elif n < 10:
        told.append(f"only {n} crossings")
    if held:
        told.append(f"fixes every {tracks.interval_h:.3g} h: corrected by simulation ({raw:.3g} km before)")
    if tracks.interval_h > (COARSEST_H if held else COARSE_H):
        told.append(
            f"unusable: fixes every {tracks.interval_h:.3g} h are too coarse to see the way along a line; use step selection"
        )
    elif tracks.interval_h > FINE_H and not held:
        told.append(
            f"fixes every {tracks.interval_h:.3g} h miss part of the way along a line and some crossings; not corrected"
        )
    return "; ".join(told)


def _corrections(
    meter: Meter, found: Exposure, raw: np.ndarray, tracks: Tracks, error_m: float | None, max_gap_h: float | None, rng: int
) -> dict[int, Corrected]:  # fmt: skip
    """Corrected costs by group, where fixes are coarse and something crossed."""
    if not tracks.interval_h > FINE_H:
        return {}
    from permeability.telemetry.line_crossings import ACCURACY_M

    table = meter.barriers.table
    fix = float(np.nanmedian(tracks.error_m)) if error_m is None else float(error_m)
    line = float(np.nanmax(pd.to_numeric(table["accuracy_m"], errors="coerce").fillna(ACCURACY_M)))
    out = {}
    for g in range(len(found.groups)):
        if found.crossings[:, g].sum() == 0 or found.km[:, g].sum() <= 0:
            continue
        shapes = table.geometry.to_numpy()[meter.group == g]
        signs = signs_of_tracks(
            tracks, shapes, meter.buffer_m, found.km[:, g], found.crossings[:, g], max_gap_h
        )
        out[g] = corrected(
            signs, tracks.interval_h, float(raw[g, 1]), meter.buffer_m, fix / np.sqrt(2), line, rng=rng
        )
    return out


def _by_animal(found: Exposure) -> pd.DataFrame:
    rows = [
        {"animal": a, "group": g, "km_worked": float(found.km[i, j]), "crossings": int(found.crossings[i, j])}
        for i, a in enumerate(found.animals)
        for j, g in enumerate(found.groups)
    ]
    return pd.DataFrame(rows, columns=["animal", "group", "km_worked", "crossings"])
