"""Has the ranking settled?  The same candidates on grids of several cell sizes, each begun at several places.

Where a grid begins is nobody's choice, so a ranking that changes with it says nothing of the place.  The candidates
stay where they are on the ground; grid, cut edges, habitat and patches are made anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from permeability.core.display import Face
from permeability.core.errors import OptionError
from permeability.core.progress import long_job
from permeability.core.texts import N_, Said
from permeability.impact.what_if import CircuitView
from permeability.landscape.edge_effects import EdgeEffects
from permeability.landscape.landscape import Landscape
from permeability.landscape.patches import Patches
from permeability.layers.grid import Grid
from permeability.ranking.candidate_sites import Candidate
from permeability.ranking.rank_draws import conductance_gain

__all__ = [
    "ENOUGH",
    "RULE",
    "Rule",
    "Settled",
    "conductance_gains",
    "grids",
    "origins",
    "settle_over",
    "shifted",
]

Array = NDArray[np.float64]
PLASTIC = 1.32471795724474602596  # x**3 = x + 1: its powers spread points evenly over a square
SAME = 1e-9  # gains closer than this share of the largest are equal
ENOUGH = 5  # cells that a stretch should be long, see docs/ranking.md


@dataclass(frozen=True)
class Rule:
    """When a ranking counts as settled at a cell size.

    Attributes
    ----------
    shared : float
        Least share of the top that two origins have in common, mean over all pairs of origins.
    over_origins : float
        Least rank correlation (Spearman) of the best candidates between two origins, mean over all pairs.
    against_finer : float
        Least rank correlation of the best candidates with the next finer cells, both as means over the origins.

    Examples
    --------
    >>> RULE.shared, RULE.over_origins, RULE.against_finer
    (0.9, 0.97, 0.93)
    """

    shared: float = 0.9
    over_origins: float = 0.97
    against_finer: float = 0.93


RULE = Rule()


@dataclass(frozen=True, eq=False)
class Settled(Face):
    """How a ranking holds over origins and cell sizes of the grid.

    Attributes
    ----------
    name : str
        Of the species.
    table : pandas.DataFrame
        One row per cell size, from the coarsest: ``cell_size_m``, ``origins``, ``cells_long`` (median length of the candidates in cells; NaN for
        structures), ``top`` (how many the top is), ``top_shared`` (of them, in common between two origins, mean), ``top_shared_least``, ``best``
        (how many the correlations are over), ``spearman`` (between two origins, mean), ``spearman_least``, ``spread`` (standard deviation of a
        candidate's gain over origins, by that between the best candidates), ``first`` (candidate that is first at most origins),
        ``first_share`` (of the origins), ``finer_m`` (next finer cells), ``spearman_finer``, ``top_shared_finer``, ``over_origins`` and ``settled``
        (whether the rule holds over origins; and against finer cells, too).
    sites : pandas.DataFrame
        One row per candidate and cell size: ``cell_size_m``, ``id``, ``rank`` (by the mean gain), ``gain_mean_conductance``
        (mean over origins), ``gain_low``, ``gain_high`` (least and largest over the origins), ``rank_low``, ``rank_high``.
    gains : dict
        Cell size [m] -> gains in mean conductance, shape (origins, candidates).
    rule : Rule
    settled_m : float or None
        The largest cells at which the ranking has settled [m]; None when it has at none of those tried.

    Examples
    --------
    >>> found = Settled.of("wolf", ["a", "b", "c", "d"], [2000.0] * 4, {1000.0: np.array([[4, 3, 2, 1.0]] * 2), 500.0: np.array([[4, 3, 2, 1.0]] * 2)})
    >>> found.settled_m, found.table["settled"].tolist()  # nothing finer to hold the last one against
    (1000.0, [True, False])
    """

    _face: ClassVar[str] = "settled"

    name: str
    table: pd.DataFrame
    sites: pd.DataFrame
    gains: dict[float, Array]
    rule: Rule = RULE

    @classmethod
    def of(
        cls,
        name: str,
        ids: Sequence[str],
        lengths_m: Sequence[float],
        gains: dict[float, Array],
        *,
        top: int = 10,
        rule: Rule = RULE,
    ) -> Settled:
        """From the gains at every cell size [m], shape (origins, candidates)."""
        cells = sorted(gains, reverse=True)
        kept, best = top_of(len(ids), top)
        rows = [
            _row(cell, gains[cell], gains.get(finer), finer, ids, lengths_m, kept, best, rule)
            for cell, finer in zip(cells, [*cells[1:], float("nan")])
        ]
        sites = pd.concat([_sites(cell, ids, gains[cell]) for cell in cells], ignore_index=True)
        return cls(name, pd.DataFrame(rows), sites, {c: gains[c] for c in cells}, rule)

    @property
    def settled_m(self) -> float | None:
        """The largest cells at which the ranking has settled [m]."""
        held = self.table.loc[self.table["settled"], "cell_size_m"]
        return float(held.iloc[0]) if len(held) else None

    @property
    def sentences(self) -> list[str]:
        """What was found, and what to do."""
        return list(map(str, said(self)))

    @property
    def said(self) -> list[Said]:
        """The sentences with their values apart, for other languages."""
        return said(self)

    def __repr__(self) -> str:
        columns = ["cell_size_m", "cells_long", "top_shared", "spearman", "spearman_finer", "settled"]
        return "\n".join(
            [f"{self.name}", self.table[columns].round(3).to_string(index=False), *self.sentences]
        )


def top_of(candidates: int, top: int) -> tuple[int, int]:
    """How many candidates the top and the best are: three tops are the best, and a top is at most half of all.

    >>> top_of(112, 10), top_of(12, 10), top_of(2, 10)
    ((10, 30), (6, 12), (1, 2))
    """
    kept = max(1, min(top, candidates // 2))
    return kept, min(3 * kept, candidates)


# ---------------------------------------------------------------- grids
def origins(count: int) -> Array:
    """Where grids begin, in cells from where the project's grid begins, shape (count, 2), from -0.5 to 0.5.

    The first is the project's own; the others fill the cell evenly, whatever their number (the additive recurrence
    of the plastic number).  The first n of more are the same.

    Parameters
    ----------
    count : int

    Returns
    -------
    array, shape (count, 2)
        East and north [cells].

    Examples
    --------
    >>> origins(3).round(3).tolist()
    [[0.0, 0.0], [-0.245, -0.43], [-0.49, 0.14]]
    """
    step = np.array([1 / PLASTIC, 1 / PLASTIC**2])
    return np.asarray((np.arange(count)[:, None] * step + 0.5) % 1.0 - 0.5)


def shifted(grid: Grid, cell_size: float, by: Sequence[float]) -> Grid:
    """A grid of other cells over the same area, begun at a part of a cell from there.

    Every cell's centre stays inside the area, so that a line that ends at its edge is nowhere passed by.

    Parameters
    ----------
    grid : Grid
    cell_size : float
        [m]
    by : (float, float)
        East and north [cells], from -0.5 to 0.5.

    Returns
    -------
    Grid

    Examples
    --------
    >>> grid = Grid.from_bounds((0, 0, 10_000, 5_000), cell_size=1_000, crs="EPSG:32648")
    >>> shifted(grid, 500, (0.5, -0.25))
    Grid(EPSG:32648, 500 m, 10 x 20, north-west corner (250, 4875))
    """
    new = grid.with_cell_size(cell_size) if cell_size != grid.cell_size else grid
    return Grid(
        new.crs, new.west + by[0] * cell_size, new.north + by[1] * cell_size, new.cell_size, new.shape
    )


def grids(grid: Grid, sizes: Sequence[float], begun: int) -> Iterator[tuple[float, Grid]]:
    """Cell size [m] and grid, for every cell size and origin (:func:`shifted`, :func:`origins`).

    Parameters
    ----------
    grid : Grid
        The grid in question.
    sizes : sequence of float
        [m]
    begun : int
        Origins at every cell size.

    Returns
    -------
    iterator of (float, Grid)

    Examples
    --------
    >>> grid = Grid.from_bounds((0, 0, 10_000, 5_000), cell_size=1_000, crs="EPSG:32648")
    >>> [cell for cell, there in grids(grid, [1_000.0, 500.0], 2)], next(grids(grid, [1_000.0], 2))[1] == grid
    ([1000.0, 1000.0, 500.0, 500.0], True)
    """
    return ((cell, shifted(grid, cell, by)) for cell in sizes for by in origins(begun))


def conductance_gains(land: Landscape, patches: Patches, sites: Sequence[Candidate]) -> Array:
    """Gain in mean conductance of every candidate alone, exactly.

    Parameters
    ----------
    land : Landscape
    patches : Patches
    sites : sequence of Candidate

    Returns
    -------
    array, shape (candidates,)

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> sites = pm.candidates(land, "F", length_m=2000)
    >>> ranked = pm.rank(land, patches, sites).table.set_index("id")["gain_mean_conductance"]
    >>> bool(np.allclose(conductance_gains(land, patches, sites), ranked[[s.id for s in sites]]))
    True
    """
    effects = EdgeEffects(land, [s.interventions for s in sites])
    view = CircuitView(land, patches, list(dict.fromkeys(x for s in sites for x in s.lines)), check=False)
    opened = view.candidates(effects.start, effects.keys, effects.after(land)[1])
    after, today = view.face.singles_and_today(opened)
    weight = patches.table["weight"].to_numpy(float)
    return conductance_gain(today, after, weight, patches.pairs())


@long_job("grids")
def settle_over(
    make: Callable[[Grid], tuple[Landscape, Patches]],
    grid: Grid,
    sites: Sequence[Candidate],
    *,
    name: str = "",
    cell_sizes: Sequence[float] | None = None,
    begun: int = 9,
    top: int = 10,
    progress: Any = None,
) -> Settled:
    """Rank the same candidates on grids of several cell sizes, each begun at several places.

    Parameters
    ----------
    make : callable
        Landscape and patches on a grid.
    grid : Grid
        The grid in question.
    sites : sequence of Candidate
        At least two; the same on every grid.
    name : str
        Of the species, for what is said.
    cell_sizes : sequence of float, optional
        [m]; the grid's own, a half and a quarter of it by default.
    begun : int
        Origins of the grid at every cell size, at least two.
    top : int
        Size of the top that origins should share.
    progress : bool, tqdm or callable, optional
        Whom to tell how far it is, see :mod:`permeability.core.progress`.

    Returns
    -------
    Settled

    Raises
    ------
    OptionError
        O67 fewer than two candidates, origins or no cell size.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> from permeability.landscape.landscape import build
    >>> from permeability.landscape.patches import place
    >>> def make(grid):
    ...     there = build(grid, np.ones(grid.shape), land.barriers, land.profile)
    ...     return there, place(patches.table, there)
    >>> found = settle_over(make, land.grid, pm.candidates(land, "F", length_m=2000), cell_sizes=[1000, 500], begun=2)
    >>> found.table[["cell_size_m", "cells_long", "origins"]].values.tolist()
    [[1000.0, 2.0, 2.0], [500.0, 4.0, 2.0]]
    """
    sizes = sorted({float(c) for c in (cell_sizes or [grid.cell_size / k for k in (1, 2, 4)])}, reverse=True)
    require_several({"candidates": (len(sites), 2), "origins": (begun, 2), "top": (top, 1)}, sizes)
    gains: dict[float, list[Array]] = {cell: [] for cell in sizes}
    for done, (cell, there) in enumerate(grids(grid, sizes, begun)):
        gains[cell].append(conductance_gains(*make(there), sites))
        if progress is not None:
            progress(done + 1, len(sizes) * begun)
    found = {cell: np.array(g) for cell, g in gains.items()}
    return Settled.of(name, [s.id for s in sites], lengths_m(sites), found, top=top)


def lengths_m(sites: Sequence[Candidate]) -> list[float]:
    """Length of every candidate in kilometres of its line [m]."""
    return [1000.0 * (s.km_to - s.km_from) for s in sites]


def require_several(counts: Mapping[str, tuple[int, int]], sizes: Sequence[float]) -> None:
    """Refuse what cannot be compared (O67): too few of something, told as (there are, are needed), or no cell sizes [m]."""
    wrong = [f"{what} = {n}, at least {least}" for what, (n, least) in counts.items() if n < least]
    wrong += [f"cells of {c:g} m" for c in sizes if not (c > 0 and np.isfinite(c))]
    if wrong:
        raise OptionError(
            "O67", f"a ranking cannot be held against itself with {'; '.join(wrong)}.",
            remedy="give at least two candidates, two origins, one cell size above 0 m and a top of one",
        )  # fmt: skip


# ---------------------------------------------------------------- figures
def _row(
    cell: float,
    g: Array,
    finer: Array | None,
    finer_m: float,
    ids: Sequence[str],
    lengths: Sequence[float],
    top: int,
    best: int,
    rule: Rule,
) -> dict[str, object]:
    """What one cell size shows."""
    mean, places = g.mean(axis=0), np.array([_order(x) for x in g])
    pairs = list(combinations(range(len(g)), 2))
    shared = [_shared(places[a], places[b], top) for a, b in pairs]
    first = _order(mean)[:best]
    rho = [spearman(g[a, first], g[b, first]) for a, b in pairs]
    ahead, times = np.unique(places[:, 0], return_counts=True)
    between = float(mean[first].std())
    stretch = np.array([x for x in lengths if x > 0])
    row: dict[str, object] = {
        "cell_size_m": cell, "origins": len(g), "cells_long": float(np.median(stretch) / cell) if len(stretch) else np.nan,
        "top": top, "top_shared": float(np.mean(shared)), "top_shared_least": int(min(shared)), "best": best,
        "spearman": float(np.mean(rho)), "spearman_least": float(np.min(rho)),
        "spread": float(g[:, first].std(axis=0).mean() / between) if between > 0 else np.nan,
        "first": ids[int(ahead[times.argmax()])], "first_share": float(times.max() / len(g)), "finer_m": finer_m,
        "spearman_finer": np.nan, "top_shared_finer": np.nan,
    }  # fmt: skip
    if finer is not None:
        there = finer.mean(axis=0)
        among = _order(there)[:best]
        row["spearman_finer"] = spearman(mean[among], there[among])
        row["top_shared_finer"] = _shared(_order(mean), _order(there), top)
    over = bool(np.mean(shared) >= rule.shared * top - SAME and np.mean(rho) >= rule.over_origins)
    against = float(row["spearman_finer"]) >= rule.against_finer  # type: ignore[arg-type]
    return row | {"over_origins": over, "settled": over and against}


def _sites(cell: float, ids: Sequence[str], g: Array) -> pd.DataFrame:
    """Every candidate at one cell size."""
    places = np.empty(g.shape, np.int64)
    for i, one in enumerate(g):
        places[i, _order(one)] = np.arange(1, g.shape[1] + 1)
    mean = g.mean(axis=0)
    rank = np.empty(len(mean), np.int64)
    rank[_order(mean)] = np.arange(1, len(mean) + 1)
    return pd.DataFrame(
        {"cell_size_m": cell, "id": list(ids), "rank": rank, "gain_mean_conductance": mean, "gain_low": g.min(axis=0),
         "gain_high": g.max(axis=0), "rank_low": places.min(axis=0), "rank_high": places.max(axis=0)}
    ).sort_values("rank", ignore_index=True)  # fmt: skip


def _order(gain: Array) -> NDArray[np.int64]:
    """Candidates by falling gain; those equal but for rounding in the order they were given."""
    return np.argsort(-_steps(gain), kind="stable")


def _steps(gain: Array) -> Array:
    """Gains in steps of rounding: what does not differ by more is equal."""
    largest = float(np.abs(gain[np.isfinite(gain)]).max(initial=0.0))
    return np.round(gain / (SAME * largest)) if largest > 0 else np.zeros(len(gain))


def _shared(a: NDArray[np.int64], b: NDArray[np.int64], top: int) -> int:
    return len(set(a[:top].tolist()) & set(b[:top].tolist()))


def spearman(a: Array, b: Array) -> float:
    """Rank correlation of two lists of gains; NaN when one of them does not order anything.

    Parameters
    ----------
    a, b : array, shape (candidates,)

    Returns
    -------
    float

    Examples
    --------
    >>> spearman(np.array([3.0, 2.0, 1.0]), np.array([9.0, 4.0, 1.0])), spearman(np.ones(3), np.arange(3.0))
    (1.0, nan)
    """
    from scipy.stats import rankdata

    places = [rankdata(_steps(x)) for x in (a, b)]
    if len(a) < 2 or min(float(np.ptp(p)) for p in places) == 0:
        return float("nan")
    return float(np.corrcoef(*places)[0, 1])


# ---------------------------------------------------------------- words
def said(found: Settled) -> list[Said]:
    """What was found, and what to do, in sentences with their values apart."""
    table, rule = found.table, found.rule
    if table["spearman"].isna().all():
        return [Said(N_("No candidate is ahead of another by itself: there is no order that could settle."))]
    held = table[table["settled"]]
    top, best = int(table["top"].iloc[0]), int(table["best"].iloc[0])
    how = Said(
        N_(
            "Settled means: over the origins of the grid the top {top} share at least {shared}, the {best} best keep their order "
            "(Spearman at least {rho}), and the next finer cells give the same order ({finer})."
        ),
        {"top": str(top), "shared": f"{rule.shared * top:g}", "best": str(best), "rho": f"{rule.over_origins:g}", "finer": f"{rule.against_finer:g}"},
    )  # fmt: skip
    if len(held):
        r = held.iloc[0]
        text = N_(
            "The ranking has settled at cells of {cell}: {figures}; against cells of {finer} the Spearman correlation is {rho}."
        )
        return [
            Said(text, {"cell": _km(r.cell_size_m), "figures": _figures(r), "finer": _km(r.finer_m), "rho": f"{r.spearman_finer:.3f}"}), how,
        ]  # fmt: skip
    last = table.iloc[-1]
    tried = [_km(c) for c in table["cell_size_m"]]
    if bool(last["over_origins"]):
        text = N_(
            "At cells of {cell} the ranking does not hang on where the grid begins ({figures}), but nothing finer was tried, so it is "
            "not known to have settled. Cells tried: {tried}."
        )
        sizes = " ".join(f"--cell {c:g}" for c in [*table["cell_size_m"], last.cell_size_m / 2])
        return [
            Said(text, {"cell": _km(last.cell_size_m), "figures": _figures(last), "tried": tried}),
            Said(N_("Try one size more: {sizes}."), {"sizes": sizes}), how,
        ]  # fmt: skip
    text = N_("The ranking has settled at none of the cell sizes tried ({tried}); at the finest, {figures}.")
    return [Said(text, {"tried": tried, "figures": _figures(last)}), _advice(last), how]


def _figures(row: pd.Series) -> Said:
    text = N_(
        "over {n} origins of the grid two lists share {shared} of their top {top}, and the Spearman correlation of the {best} best is {rho}"
    )
    return Said(
        text,
        {
            "n": str(int(row.origins)), "shared": f"{row.top_shared:.1f}", "top": str(int(row.top)), "best": str(int(row.best)),
            "rho": f"{row.spearman:.3f}",
        },
    )  # fmt: skip


def _advice(last: pd.Series) -> Said:
    """What to do where nothing has settled."""
    if np.isfinite(last.cells_long) and last.cells_long < ENOUGH:
        text = N_(
            "The candidates are {long} cells long at the finest: take longer sections ([candidates] length_km, at least {km}, {n} cells), "
            "or finer cells ([grid] cell_size_m)."
        )
        return Said(
            text, {"long": f"{last.cells_long:.2g}", "km": _km(ENOUGH * last.cell_size_m), "n": str(ENOUGH)}
        )
    return Said(
        N_(
            "The candidates are long enough for their cells, so they are nearly equal or the land between them is: take longer sections or "
            "finer cells, and read the rank ranges of the draws, which hold the origin of the grid."
        )
    )


def _km(metres: float) -> Said:
    if metres >= 1000:
        return Said(N_("{n} km"), {"n": f"{metres / 1000:g}"})
    return Said(N_("{n} m"), {"n": f"{metres:g}"})
