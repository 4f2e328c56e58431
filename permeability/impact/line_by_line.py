"""What each barrier does to a species: today against no barriers, each line alone, each line taken away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from permeability.core.errors import check_choice
from permeability.core.keeping import KEEP_NOTHING, Keep
from permeability.core.progress import long_job
from permeability.core.result_rows import Rows
from permeability.core.texts import N_, Said
from permeability.engines.circuit.possible import require_no_easier
from permeability.impact.line_states import alone_and_without
from permeability.landscape.given import takes_landscape
from permeability.landscape.landscape import Landscape
from permeability.landscape.patches import Patches
from permeability.linkage.index_table import BY_LINE
from permeability.linkage.landscape_indices import Indices
from permeability.linkage.measured import Measured, State, indices_from

__all__ = ["Impact", "barrier_impact", "standing_groups", "standing_lines"]

Progress = Callable[[int, int], None]
BY = ("line", "kind", "class", "none")
SOLVED_AFRESH = 6  # groups up to which each is solved by itself


@dataclass(frozen=True, eq=False)
class Impact(Rows):
    """Barrier impact on one species.

    Attributes
    ----------
    land : Landscape
    table : pandas.DataFrame
        One row per case: ``case`` (``no barriers``, ``all barriers``, ``only X``, ``without X``), ``line``, the
        indices of :mod:`permeability.linkage.landscape_indices`, and ``lost_by_line`` shares where they can be given.
    today, bare : Indices
        With all standing barriers and with none.
    lines : pandas.DataFrame
        One row per line: what it takes alone and what taking it away would give back.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> effect = pm.barrier_impact(land, patches)
    >>> print(effect.sentences[0])
    48 km2 of the range of khulan (Asiatic wild ass) have no path to its largest piece (0 km2 without barriers).
    """

    _face: ClassVar[str] = "impact"
    _main: ClassVar[str] = "lines"
    _asked: ClassVar[tuple[str, ...]] = ("line",)

    land: Landscape
    table: pd.DataFrame
    today: Indices = field(repr=False)
    bare: Indices = field(repr=False)
    lines: pd.DataFrame = field(repr=False)

    @property
    def sentences(self) -> list[str]:
        """One sentence for each number of today against no barriers."""
        return list(map(str, self.said))

    @property
    def said(self) -> list[Said]:
        """The sentences with their values apart, for other languages."""
        return impact_sentences(self)

    def __repr__(self) -> str:
        return f"Impact on {self.land.profile.name()}\n" + "\n".join(f"  {s}" for s in self.sentences)


@takes_landscape
@long_job("impact")
def barrier_impact(
    land: Landscape,
    patches: Patches,
    inside: NDArray[np.bool_] | None = None,
    *,
    by: str = "line",
    measured: Measured | None = None,
    progress: Any = None,
    keep: Keep = KEEP_NOTHING,
) -> Impact:
    """Indices today, without barriers, with each line (or group of lines) alone and with each taken away.

    Parameters
    ----------
    land : Landscape
    patches : Patches
    inside : bool array, shape (rows, cols), optional
        The species' range; the whole landscape by default.
    by : {"line", "kind", "class", "none"}
        What is put up alone and taken away: every line; all fences, all roads, all railways; all rows of one
        ``fence_class``, other rows by their kind; or nothing.
    measured : Measured, optional
        The same landscape, where something of it is known already.
    progress : bool, tqdm or callable, optional
        Whom to tell how far it is, see :mod:`permeability.core.progress`.
    keep : Keep, optional
        Where what was found of the groups is kept, and looked up.

    Returns
    -------
    Impact
        Its sentences, its cases and its lines; ``line`` holds the name of the group.

    Raises
    ------
    OptionError
        O01 for another ``by``.
    SolverError
        S25 when barriers are found to join patches better than the same ground without them.

    Notes
    -----
    Up to 6 groups are solved afresh, one by one.  More come from one condensation and from fields that are brought up to
    date, exact to rounding (:func:`permeability.impact.line_states.alone_and_without`).

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> lines = pm.barrier_impact(land, patches).lines.set_index("line")
    >>> lines["alone_range_cut_off_km2"].to_dict()  # F parts 96 km2 in two halves, S nothing
    {'F': 48.0, 'S': 0.0}
    """
    inside = land.valid if inside is None else inside
    groups = standing_groups(land, by)
    today = Measured(land, patches, inside, keep_fields=True) if measured is None else measured
    names = [("no barriers", ""), ("all barriers", "")]
    names += [(f"only {x}", x) for x in groups] + [(f"without {x}", x) for x in groups]
    states = [today.state_of(today.bare.land), today.state_of(land)]

    def of_groups() -> list[State]:
        if len(groups) > SOLVED_AFRESH:
            alone, without = alone_and_without(today, groups, progress=progress)
            return [*alone, *without]
        variants = [land.with_rows(rows) for rows in groups.values()]
        variants += [land.without_rows(rows) for rows in groups.values()]
        found = []
        for i, variant in enumerate(variants):
            found.append(today.state_of(variant))
            if progress is not None:
                progress(i + 3, len(names))
        return found

    what = f"each {by} by itself: {len(groups)}"
    states += [State(*s) for s in keep(what, lambda: [tuple(s) for s in of_groups()])]
    for (case, _), state in zip(names[1:], states[1:]):
        require_no_easier(state.resistance, states[0].resistance, patches.ids, "effective resistance", case)
        require_no_easier(state.cost, states[0].cost, patches.ids, "cost", case)
    results = [indices_from(s, today.bare.cost, patches, land) for s in states]
    table = pd.DataFrame([{"case": c, "line": x, **r.values} for (c, x), r in zip(names, results)])
    return Impact(land, table, results[1], results[0], by_line(table, list(groups)))


def standing_groups(land: Landscape, by: str = "line") -> dict[str, NDArray[np.int64]]:
    """Rows that stand and cut the landscape, by the name of their group.

    Parameters
    ----------
    land : Landscape
    by : {"line", "kind", "class", "none"}
        See :func:`barrier_impact`.

    Returns
    -------
    dict
        Name -> rows of the barrier table; of a line all its rows.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> list(standing_groups(land)), standing_groups(land, "kind"), standing_groups(land, "none")
    (['F', 'S'], {'fence': array([0, 1])}, {})
    """
    check_choice("by", by, BY)
    if by == "none":
        return {}
    if by == "line":
        return {x: np.asarray(land.barriers.rows_of(x), np.int64) for x in standing_lines(land)}
    table = land.barriers.table
    name = table["kind"].astype(str)
    if by == "class" and "fence_class" in table.columns:
        name = table["fence_class"].where(table["fence_class"].notna(), name).astype(str)
    counts = land.standing & _cutting(land)
    return {x: np.flatnonzero((name == x).to_numpy() & land.standing) for x in dict.fromkeys(name[counts])}


def standing_lines(land: Landscape) -> list[str]:
    """Lines of which at least one row stands and cuts the landscape.

    Parameters
    ----------
    land : Landscape

    Returns
    -------
    list of str

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> standing_lines(land), standing_lines(land.without_lines(["S"]))
    (['F', 'S'], ['F'])
    """
    return list(dict.fromkeys(land.barriers.table["line"][land.standing & _cutting(land)]))


def _cutting(land: Landscape) -> NDArray[np.bool_]:
    """Rows that cut an edge of the landscape."""
    cutting = np.zeros(len(land.barriers), bool)
    valid = land.valid.ravel()
    rows = land.cuts.barrier[valid[land.cuts.cell]]
    cutting[np.unique(rows)] = True
    return cutting


def by_line(table: pd.DataFrame, lines: list[str]) -> pd.DataFrame:
    """What each line takes alone (against no barriers) and what taking it away gives back (against today).

    The two differ: lines in series are each worth nothing alone and everything together.
    """
    n = len(lines)
    columns: dict[str, Any] = {"line": list(lines)}
    for name in BY_LINE:
        values = table[name].to_numpy()
        columns[f"alone_{name}"] = values[2 : 2 + n] - values[0]
        columns[f"given_back_{name}"] = values[2 + n : 2 + 2 * n] - values[1]
    return pd.DataFrame(columns)


def impact_sentences(result: Impact) -> list[Said]:
    """The impact in words, one sentence per number."""
    today, bare, profile = result.today.values, result.bare.values, result.land.profile
    apart, pairs = int(today["pairs_apart"]), len(result.today.cost) * (len(result.today.cost) - 1) // 2
    pieces = [round(a) for a in result.today.pieces[:5]]
    lost = 100 * (1 - today["reachable_km2"] / bare["reachable_km2"]) if bare["reachable_km2"] else 0.0
    cut = {
        "now": round(today["range_cut_off_km2"]),
        "free": round(bare["range_cut_off_km2"]),
        "species": {"names": {**profile.names, "en": profile.name()}},
    }
    said = [
        Said(N_("{now} km2 of the range of {species} have no path to its largest piece ({free} km2 without barriers)."), cut)
        if today["range_cut_off_km2"]
        else Said(N_("No part of the range of {species} is cut off from its largest piece ({free} km2 without barriers)."), cut),
        Said(
            N_("Connected pieces of the range: {n}, of {areas} km2 (without barriers: {free})."),
            {"n": int(today["range_pieces"]), "areas": pieces, "free": int(bare["range_pieces"])},
        ),
        Said(
            N_("From a patch, {now} km2 lie within the movement budget of {budget} km, {lost} % less than the {free} km2 without barriers."),
            {"now": round(today["reachable_km2"]), "free": round(bare["reachable_km2"]), "lost": round(lost), "budget": round(result.land.profile.budget_m.best / 1000)},
        ),
        Said(N_("Of {all} pairs of patches, {n} have no path at all: their effective resistance is infinite."), {"all": pairs, "n": apart})
        if apart
        else Said(N_("All {all} pairs of patches have a path."), {"all": pairs}),
    ]  # fmt: skip
    if np.isfinite(today["detour"]):
        words = N_(
            "The way from patch to patch costs {n} times what it would cost without barriers (harmonic mean; a pair without a path counts as infinite)."
        )
        said.append(Said(words, {"n": round(float(today["detour"]), 2)}))
    change = (
        100 * (1 - today["mean_conductance"] / bare["mean_conductance"]) if bare["mean_conductance"] else 0.0
    )
    said.append(
        Said(
            N_("The mean conductance between patches is {n} % lower than without barriers."),
            {"n": round(change)},
        )
    )
    if len(result.lines):
        worst = result.lines.sort_values("alone_mean_conductance", kind="stable").iloc[0]
        said.append(
            Said(
                N_("Taken alone, {line} takes the most from the conductance between patches."),
                {"line": str(worst["line"])},
            )
        )
    return said
