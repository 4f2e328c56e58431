"""What each barrier does to a species: today against no barriers, each line alone, each line taken away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from permeability.core.display import Face
from permeability.landscape.given import takes_landscape
from permeability.landscape.landscape import Landscape
from permeability.landscape.patches import Patches
from permeability.linkage.index_table import BY_LINE
from permeability.linkage.landscape_indices import Indices
from permeability.linkage.measured import Measured, indices_from

__all__ = ["Impact", "barrier_impact", "standing_lines"]

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Impact(Face):
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

    land: Landscape
    table: pd.DataFrame
    today: Indices = field(repr=False)
    bare: Indices = field(repr=False)
    lines: pd.DataFrame = field(repr=False)

    @property
    def sentences(self) -> list[str]:
        """One sentence for each number of today against no barriers."""
        return impact_sentences(self)

    def __repr__(self) -> str:
        return f"Impact on {self.land.profile.name()}\n" + "\n".join(f"  {s}" for s in self.sentences)


@takes_landscape
def barrier_impact(
    land: Landscape,
    patches: Patches,
    inside: NDArray[np.bool_] | None = None,
    *,
    measured: Measured | None = None,
    progress: Progress | None = None,
) -> Impact:
    """Indices today, without barriers, with each line alone and with each line taken away.

    Parameters
    ----------
    land : Landscape
    patches : Patches
    inside : bool array, shape (rows, cols), optional
        The species' range; the whole landscape by default.
    measured : Measured, optional
        The same landscape, where something of it is known already.
    progress : callable, optional
        Called with (done, all).

    Returns
    -------
    Impact
        Its sentences, its cases and its lines.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> lines = pm.barrier_impact(land, patches).lines.set_index("line")
    >>> lines["alone_range_cut_off_km2"].to_dict()  # F parts 96 km2 in two halves, S nothing
    {'F': 48.0, 'S': 0.0}
    """
    inside = land.valid if inside is None else inside
    lines = standing_lines(land)
    today = Measured(land, patches, inside) if measured is None else measured
    cases: list[tuple[str, str, Landscape]] = [
        ("no barriers", "", today.bare.land),
        ("all barriers", "", land),
    ]
    cases += [(f"only {x}", x, land.without_barriers(keep=[x])) for x in lines]
    cases += [(f"without {x}", x, land.without_lines([x])) for x in lines]
    results = []
    for i, (_, _, variant) in enumerate(cases):
        results.append(indices_from(today.state_of(variant), today.bare.cost, patches, land))
        if progress is not None:
            progress(i + 1, len(cases))
    table = pd.DataFrame([{"case": c, "line": x, **r.values} for (c, x, _), r in zip(cases, results)])
    return Impact(land, table, results[1], results[0], by_line(table, lines))


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
    cutting = np.zeros(len(land.barriers), bool)
    valid = land.valid.ravel()
    rows = land.cuts.barrier[valid[land.cuts.cell]]
    cutting[np.unique(rows)] = True
    return list(dict.fromkeys(land.barriers.table["line"][land.standing & cutting]))


def by_line(table: pd.DataFrame, lines: list[str]) -> pd.DataFrame:
    """What each line takes alone (against no barriers) and what taking it away gives back (against today).

    The two differ: lines in series are each worth nothing alone and everything together.
    """
    at = table.set_index("case")
    rows: list[dict[str, Any]] = []
    for line in lines:
        row: dict[str, Any] = {"line": line}
        for name in BY_LINE:
            row[f"alone_{name}"] = at.loc[f"only {line}", name] - at.loc["no barriers", name]
            row[f"given_back_{name}"] = at.loc[f"without {line}", name] - at.loc["all barriers", name]
        rows.append(row)
    return pd.DataFrame(rows)


def impact_sentences(result: Impact) -> list[str]:
    """The impact in words, one sentence per number."""
    today, bare, name = result.today.values, result.bare.values, result.land.profile.name()
    apart, pairs = int(today["pairs_apart"]), len(result.today.cost) * (len(result.today.cost) - 1) // 2
    pieces = ", ".join(f"{a:,.0f}" for a in result.today.pieces[:5])
    lost = 100 * (1 - today["reachable_km2"] / bare["reachable_km2"]) if bare["reachable_km2"] else 0.0
    cut_off = (
        f"{today['range_cut_off_km2']:,.0f} km2 of the range of {name} have no path to its largest piece"
    )
    if not today["range_cut_off_km2"]:
        cut_off = f"No part of the range of {name} is cut off from its largest piece"
    sentences = [
        f"{cut_off} ({bare['range_cut_off_km2']:,.0f} km2 without barriers).",
        f"Connected pieces of the range: {int(today['range_pieces'])}, of {pieces} km2 (without barriers: {int(bare['range_pieces'])}).",
        f"From a patch, {today['reachable_km2']:,.0f} km2 lie within the movement budget of "
        f"{result.land.profile.budget_m.best / 1000:,.0f} km, {lost:.0f} % less than the {bare['reachable_km2']:,.0f} km2 without barriers.",
        f"Of {pairs} pairs of patches, {apart} have no path at all: their effective resistance is infinite."
        if apart
        else f"All {pairs} pairs of patches have a path.",
    ]
    if np.isfinite(today["detour"]):
        sentences.append(
            f"The way from patch to patch costs {today['detour']:.2f} times what it would cost without barriers "
            "(harmonic mean; a pair without a path counts as infinite)."
        )
    change = (
        100 * (1 - today["mean_conductance"] / bare["mean_conductance"]) if bare["mean_conductance"] else 0.0
    )
    sentences.append(f"The mean conductance between patches is {change:.0f} % lower than without barriers.")
    if len(result.lines):
        worst = result.lines.sort_values("alone_mean_conductance", kind="stable").iloc[0]
        sentences.append(f"Taken alone, {worst['line']} takes the most from the conductance between patches.")
    return sentences
