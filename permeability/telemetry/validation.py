"""The model held against animals: does it tell the sections that were crossed from those that were not?

Lines are cut into sections of equal length.  Each animal's fixes are parted in time: crossings of the second half are what is to be told, the
first half says where the animal was anyway.  The model stands beside rules that know nothing of it: length of the section, density of
lines, distance to the animals' earlier fixes.

References
----------
Boyce index: Hirzel et al. 2006, Ecological Modelling 199:142-152, doi:10.1016/j.ecolmodel.2006.05.017.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy import spatial, stats

from permeability.barriers.lines import Barriers
from permeability.core.display import Face
from permeability.core.errors import OptionError
from permeability.layers.grid import Grid
from permeability.telemetry.line_crossings import crossings
from permeability.telemetry.line_sections import Sections, sections
from permeability.telemetry.tracks import Tracks

__all__ = ["Validation", "auc", "boyce", "validate"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

POINTS = 5  # of a section at which the model is read
DENSITY_M = 1_000.0
RULES = {
    "model": "the model",
    "length": "section length",
    "density": "density of lines",
    "earlier_use": "the animals' earlier fixes",
}


@dataclass(frozen=True)
class Validation(Face):
    """How well crossed sections are told from others.

    Attributes
    ----------
    table : DataFrame
        One row per rule (``model`` and those beside it): ``group``, ``auc``, ``auc_low``, ``auc_high`` (by spatial block), ``auc_animals``,
        ``auc_animals_low``, ``auc_animals_high`` (mean over animals, each by itself), ``boyce``, ``lift`` (of the top tenth),
        ``p_shifted`` (share of shifted copies of the rule that do as well), ``less_than_model_low``, ``less_than_model_high`` (AUC of the
        model minus that of the rule, by block).
    tenths : DataFrame
        Sections in tenths by the model, lowest first: ``sections``, ``crossed``, ``share``.
    sections : GeoDataFrame
        ``barrier``, ``line``, ``km``, ``crossed``, and the value of every rule.
    animals : int
        With a crossing to be told.
    sentences : tuple of str
        What the model adds and what not.
    tracks : Tracks
    barriers : Barriers

    Examples
    --------
    >>> Validation._face
    'validation'
    """

    table: pd.DataFrame
    tenths: pd.DataFrame
    sections: gpd.GeoDataFrame
    animals: int
    sentences: tuple[str, ...]
    tracks: Tracks = field(repr=False)
    barriers: Barriers = field(repr=False)

    _face = "validation"

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        row = self.table.iloc[0]
        mark = "simulated tracks, " if self.tracks.simulated else ""
        return (
            f"Validation({mark}{len(self.sections):,} sections, {int(self.sections['crossed'].sum()):,} crossed by {self.animals} animals; "
            f"AUC {row['auc']:.2f} ({row['auc_low']:.2f}-{row['auc_high']:.2f} by block))"
        )


def validate(
    model: Any,
    tracks: Tracks,
    barriers: Barriers,
    *,
    sections_m: float = 250.0,
    block_km: float = 5.0,
    draws: int = 500,
    shifts: int = 200,
    error_m: float | None = None,
    max_gap_h: float | None = None,
    rng: int = 0,
) -> Validation:
    """Score a model against crossings of animals, beside simple rules.

    Parameters
    ----------
    model : (values, grid), or a result with ``current`` and ``land``
        A raster whose higher values mean more movement, such as a :class:`permeability.linkage.patch_pairs.Connectivity`.
    tracks : Tracks
        In the coordinate system of the barriers.
    barriers : Barriers
    sections_m : float
        Length of all sections [m]; what is left over lies half at either end of a line and is not used.
    block_km : float
        Side of the blocks that are drawn with replacement [km].
    draws, shifts : int
        Of blocks; of the model along the lines.
    error_m, max_gap_h
        See :func:`permeability.telemetry.line_crossings.crossings`.
    rng : int

    Returns
    -------
    Validation

    Raises
    ------
    LayerError
        F02, F03 for tracks that cannot be used.
    GridMismatchError
        F04 for tracks in another coordinate system.
    OptionError
        F40 for a model without a raster, F41 when too few sections are crossed or left uncrossed.

    References
    ----------
    doi:10.1016/j.ecolmodel.2006.05.017.

    Examples
    --------
    >>> import permeability as pm
    >>> tracks, barriers = pm.telemetry.samples.herd()
    >>> grid = pm.Grid.from_bounds((-60_000, -60_000, 60_000, 60_000), cell_size=2000, crs=32648)
    >>> near = -np.hypot(*np.meshgrid(grid.x, grid.y))  # the herd stays around the middle
    >>> found = validate((near, grid), tracks, barriers, sections_m=1000, draws=50, shifts=20)
    >>> found.table["group"].tolist()
    ['model', 'length', 'density', 'earlier_use']
    """
    tracks.require_usable(barriers.table.crs)
    values, grid = _raster(model)
    every = sections(barriers, sections_m)
    cut = every.table
    early, late = _halves(tracks)
    crossed = _crossed(crossings(late, barriers, error_m=error_m, max_gap_h=max_gap_h).table, every, late)
    available = _available(tracks, cut)
    cut["model"] = _read(values, grid, cut, barriers)
    cut = _rules(cut, barriers, early)
    cut["crossed"] = crossed.any(axis=0)
    keep = available.any(axis=0) & np.isfinite(cut["model"].to_numpy())
    cut, crossed, available = cut[keep].reset_index(drop=True), crossed[:, keep], available[:, keep]
    hit = cut["crossed"].to_numpy(bool)
    if min(hit.sum(), (~hit).sum()) < 10:
        raise OptionError(
            "F41", f"{int(hit.sum())} sections are crossed and {int((~hit).sum())} are not; at least 10 of each are needed.",
            remedy="give more tracks, shorter sections, or a model that covers the animals' range",
        )  # fmt: skip
    return _scored(cut, hit, crossed, available, tracks, barriers, block_km, draws, shifts, rng)


def _scored(
    cut: gpd.GeoDataFrame, hit: Mask, crossed: Mask, available: Mask, tracks: Tracks, barriers: Barriers, block_km: float,
    draws: int, shifts: int, rng: int,
) -> Validation:  # fmt: skip
    blocks = _blocks(cut, block_km)
    draw = np.random.default_rng(rng)
    picks = [_picked(blocks, draw) for _ in range(draws)]
    by_block = {r: np.asarray([auc(cut[r].to_numpy()[p], hit[p]) for p in picks]) for r in RULES}
    rows = [_row(r, cut, hit, crossed, available, by_block, shifts, draw) for r in RULES]
    table = pd.DataFrame(rows)
    animals = int(crossed.any(axis=1).sum())
    return Validation(
        table,
        _tenths(cut["model"].to_numpy(), hit),
        cut,
        animals,
        _sentences(table, animals, tracks),
        tracks,
        barriers,
    )


def auc(values: Floats, hit: Mask) -> float:
    """Chance that a crossed section has the higher value, ties counted half; NaN without both kinds.

    Parameters
    ----------
    values : array
    hit : array of bool

    Returns
    -------
    float

    Examples
    --------
    >>> auc(np.array([1.0, 2.0, 3.0, 4.0]), np.array([False, False, True, True])), auc(np.ones(3), np.array([True, False, False]))
    (1.0, 0.5)
    """
    n = int(hit.sum())
    if n == 0 or n == len(hit):
        return float("nan")
    ranks = stats.rankdata(values)
    return float((ranks[hit].sum() - n * (n + 1) / 2) / (n * (len(hit) - n)))


def boyce(values: Floats, hit: Mask, windows: int = 50, width: float = 0.2) -> float:
    """Boyce index: rank correlation of the crossed share over the expected with the value, in moving windows.

    Parameters
    ----------
    values : array
    hit : array of bool
    windows : int
    width : float
        Of a window, as a share of the ranks.

    Returns
    -------
    float
        -1 to 1; NaN when the value does not differ.

    References
    ----------
    Hirzel et al. 2006, doi:10.1016/j.ecolmodel.2006.05.017.

    Examples
    --------
    >>> boyce(np.arange(100.0), np.arange(100) ** 2 > 40 * np.arange(100)) > 0.7
    True
    """
    if np.ptp(values) == 0 or not hit.any():
        return float("nan")
    ranks = (stats.rankdata(values) - 0.5) / len(values)
    middle = np.linspace(width / 2, 1 - width / 2, windows)
    inside = np.abs(ranks[None, :] - middle[:, None]) <= width / 2
    ratio = (inside & hit).sum(axis=1) / np.maximum(inside.sum(axis=1), 1) / hit.mean()
    return float("nan") if np.ptp(ratio) == 0 else float(stats.spearmanr(middle, ratio).statistic)


def _raster(model: Any) -> tuple[Floats, Grid]:
    if isinstance(model, tuple) and len(model) == 2:
        return np.asarray(model[0], float), model[1]
    current, land = getattr(model, "current", None), getattr(model, "land", None)
    if current is None or land is None:
        raise OptionError(
            "F40", f"{type(model).__name__} holds no raster to be scored.",
            remedy="give (values, grid), or the result of pm.connectivity",
        )  # fmt: skip
    return np.asarray(current, float), land.grid


def _halves(tracks: Tracks) -> tuple[Tracks, Tracks]:
    """Fixes of each animal before and from the middle of its time on."""
    middle = np.asarray([np.median(tracks.seconds[tracks.number == i]) for i in range(len(tracks.animals))])
    late = tracks.seconds >= middle[tracks.number]
    return tracks.take(~late), tracks.take(late)


def _crossed(found: gpd.GeoDataFrame, cut: Sections, tracks: Tracks) -> NDArray[np.bool_]:
    """Which animal crossed which section, shape (animals, sections)."""
    section = cut.at(found["line"].astype(str).to_numpy(dtype=object), found.geometry.to_numpy())
    who = np.asarray([tracks.animals.index(a) for a in found["animal"]], dtype=np.int64)
    out = np.zeros((len(tracks.animals), len(cut.table)), bool)
    out[who[section >= 0], section[section >= 0]] = True
    return out


def _available(tracks: Tracks, cut: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    """Sections inside the hull of each animal's fixes, shape (animals, sections)."""
    middle = shapely.line_interpolate_point(cut.geometry.to_numpy(), 0.5, normalized=True)
    hulls = [
        shapely.convex_hull(shapely.multipoints(tracks.xy[tracks.number == i]))
        for i in range(len(tracks.animals))
    ]
    return np.asarray([shapely.intersects(h, middle) for h in hulls])


def _read(values: Floats, grid: Grid, cut: gpd.GeoDataFrame, barriers: Barriers) -> Floats:
    """Mean of the model along each section; NaN outside of it."""
    shares = (np.arange(POINTS) + 0.5) / POINTS
    points = [shapely.line_interpolate_point(cut.geometry.to_numpy(), s, normalized=True) for s in shares]
    read = []
    for p in points:
        row, col = grid.cells_of(shapely.get_x(p), shapely.get_y(p))
        inside = grid.contains(row, col)
        out = np.full(len(cut), np.nan)
        out[inside] = values[row[inside], col[inside]]
        read.append(out)
    stack = np.stack(read) if len(cut) else np.zeros((POINTS, 0))
    known = np.isfinite(stack)
    count = known.sum(axis=0)
    total = np.where(known, stack, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _rules(cut: gpd.GeoDataFrame, barriers: Barriers, early: Tracks) -> gpd.GeoDataFrame:
    """The values of the simple rules."""
    middle = shapely.line_interpolate_point(cut.geometry.to_numpy(), 0.5, normalized=True)
    xy = np.stack([shapely.get_x(middle), shapely.get_y(middle)], axis=1)
    tree = spatial.cKDTree(xy)
    near = tree.query_ball_point(xy, DENSITY_M, return_length=True) if len(xy) else np.zeros(0)
    far = spatial.cKDTree(early.xy).query(xy)[0] if len(early) and len(xy) else np.zeros(len(xy))
    return cut.assign(
        length=np.round(cut.geometry.length, 3), density=np.asarray(near, float), earlier_use=-far
    )


def _blocks(cut: gpd.GeoDataFrame, block_km: float) -> list[NDArray[np.int64]]:
    """Numbers of the sections of each block."""
    middle = shapely.line_interpolate_point(cut.geometry.to_numpy(), 0.5, normalized=True)
    xy = np.stack([shapely.get_x(middle), shapely.get_y(middle)], axis=1)
    # from the south-west corner of the sections: no matter where the coordinates begin
    at = np.floor((xy - xy.min(axis=0)) / (block_km * 1000)).astype(np.int64)
    which = np.unique(at, axis=0, return_inverse=True)[1].ravel()
    return [np.flatnonzero(which == b) for b in range(int(which.max()) + 1)]


def _picked(blocks: list[NDArray[np.int64]], draw: np.random.Generator) -> NDArray[np.int64]:
    return np.concatenate([blocks[b] for b in draw.integers(0, len(blocks), len(blocks))])


def _row(
    rule: str, cut: gpd.GeoDataFrame, hit: Mask, crossed: Mask, available: Mask, by_block: dict[str, Floats], shifts: int,
    draw: np.random.Generator,
) -> dict[str, object]:  # fmt: skip
    values = cut[rule].to_numpy(float)
    own = np.asarray([auc(values[a], c[a]) for c, a in zip(crossed, available, strict=True)])
    own = own[np.isfinite(own)]
    mean, low, high = _over_animals(own)
    known = by_block[rule][np.isfinite(by_block[rule])]
    found = auc(values, hit)
    moved = np.asarray([auc(np.roll(values, s), hit) for s in draw.integers(1, len(values), shifts)])
    less = by_block["model"] - by_block[rule]
    return {
        "group": rule, "auc": found, "auc_low": _quantile(known, 0.025), "auc_high": _quantile(known, 0.975), "auc_animals": mean,
        "auc_animals_low": low, "auc_animals_high": high, "boyce": boyce(values, hit), "lift": _lift(values, hit),
        "p_shifted": float((1 + np.sum(moved >= found)) / (shifts + 1)), "less_than_model_low": _quantile(less, 0.025),
        "less_than_model_high": _quantile(less, 0.975), "usable": True,
    }  # fmt: skip


def _quantile(values: Floats, share: float) -> float:
    known = values[np.isfinite(values)]
    return float(np.quantile(known, share)) if len(known) else float("nan")


def _over_animals(own: Floats) -> tuple[float, float, float]:
    """Mean over animals with its interval by Student's t."""
    if len(own) == 0:
        return (float("nan"),) * 3
    if len(own) == 1:
        return float(own[0]), float("nan"), float("nan")
    far = float(stats.t.ppf(0.975, len(own) - 1) * own.std(ddof=1) / np.sqrt(len(own)))
    return float(own.mean()), max(float(own.mean()) - far, 0.0), min(float(own.mean()) + far, 1.0)


def _lift(values: Floats, hit: Mask) -> float:
    """Crossed share of the top tenth over that of all; NaN when the value does not differ."""
    if np.ptp(values) == 0:
        return float("nan")
    top = np.argsort(-values, kind="stable")[: max(len(values) // 10, 1)]
    return float(hit[top].mean() / hit.mean())


def _tenths(values: Floats, hit: Mask) -> pd.DataFrame:
    parts = np.array_split(np.argsort(values, kind="stable"), 10)
    return pd.DataFrame(
        {"tenth": range(1, 11), "sections": [len(p) for p in parts], "crossed": [int(hit[p].sum()) for p in parts],
         "share": [float(hit[p].mean()) if len(p) else np.nan for p in parts]}
    )  # fmt: skip


def _sentences(table: pd.DataFrame, animals: int, tracks: Tracks) -> tuple[str, ...]:
    """What the model adds and what not, in words that follow from the numbers."""
    model = table.iloc[0]
    better = model["auc_low"] > 0.5
    told = [
        f"The model {'tells' if better else 'does not tell'} sections that {'SIMULATED ' if tracks.simulated else ''}animals crossed from others: "
        f"AUC {model['auc']:.2f}, 95 % interval {model['auc_low']:.2f} to {model['auc_high']:.2f} over spatial blocks, {animals} animals."
    ]
    for row in table.iloc[1:].itertuples():
        low, high = float(row.less_than_model_low), float(row.less_than_model_high)
        word = (
            "does better than" if low > 0 else "does worse than" if high < 0 else "cannot be told apart from"
        )
        told.append(
            f"It {word} {RULES[str(row.group)]} (AUC {row.auc:.2f}; difference {low:+.2f} to {high:+.2f})."
        )
    return tuple(told)
