"""Two scenarios of one landscape side by side."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from permeability.barriers.scenario import Scenario
from permeability.core.result_rows import Rows
from permeability.landscape.given import takes_landscape
from permeability.landscape.landscape import Landscape
from permeability.landscape.patches import Patches
from permeability.linkage.index_table import INDICES
from permeability.linkage.landscape_indices import Indices
from permeability.linkage.measured import Measured, indices_from

__all__ = ["Comparison", "compare"]


@dataclass(frozen=True, eq=False)
class Comparison(Rows):
    """Two scenarios of one landscape side by side.

    Attributes
    ----------
    before, after : Landscape
    table : pandas.DataFrame
        ``index``, ``before``, ``after``, ``change``, ``unit``.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> change = pm.compare(land, patches, pm.Scenario("no fence").drop("F"))
    >>> change.table.set_index("index").loc["pairs_apart", ["before", "after"]].tolist()
    [1.0, 0.0]
    """

    _face: ClassVar[str] = "comparison"
    _asked: ClassVar[tuple[str, ...]] = ("index",)

    before: Landscape
    after: Landscape
    table: pd.DataFrame
    before_indices: Indices = field(repr=False)
    after_indices: Indices = field(repr=False)

    def __repr__(self) -> str:
        return f"{self.before.scenario.name} -> {self.after.scenario}\n{self.table.to_string(index=False)}"


@takes_landscape
def compare(
    land: Landscape,
    patches: Patches,
    scenario: Scenario,
    inside: NDArray[np.bool_] | None = None,
    *,
    base: Landscape | None = None,
    measured: Measured | None = None,
) -> Comparison:
    """Indices before and after a scenario.

    Parameters
    ----------
    land : Landscape
        Before.
    patches : Patches
    scenario : Scenario
        Interventions on ``land``.
    inside : bool array, optional
        The species' range; the whole landscape by default.
    base : Landscape, optional
        What the interventions are applied to, on the same grid, when the scenario also changes layers or the year;
        ``land`` by default.
    measured : Measured, optional
        ``land``, where something of it is known already.

    Returns
    -------
    Comparison
        Every index before and after.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> plan = pm.Scenario("middle opened").remove("F", km=(2, 6))
    >>> change = pm.compare(land, patches, plan).table.set_index("index")["change"]
    >>> float(change["range_cut_off_km2"])  # [km2]
    -48.0
    """
    inside = land.valid if inside is None else inside
    after = (land if base is None else base).with_scenario(scenario)
    before = Measured(land, patches, inside) if measured is None else measured
    a, b = (indices_from(before.state_of(x), before.bare.cost, patches, x) for x in (land, after))
    frame = a.to_frame().rename(columns={"value": "before"})
    frame["after"] = [b.values[i] for i in INDICES]
    with np.errstate(invalid="ignore"):
        frame["change"] = frame["after"].to_numpy(float) - frame["before"].to_numpy(float)
    return Comparison(land, after, frame[["index", "before", "after", "change", "unit"]], a, b)
