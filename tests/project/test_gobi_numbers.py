"""Golden numbers: what the two Gobi projects said when this file was last written, so that no number moves unseen.

They are no proof of being right (tests/published and the tests of the engines hold those); a change that moves one must say so
in CHANGELOG.md and write them anew:

    python tests/project/test_gobi_numbers.py

Left out: draws (their tolerance would be their own spread) and the choice under a budget.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import permeability as pm

KEPT = Path(__file__).with_name("gobi_numbers")
TABLES = {
    "project": {
        "impact": ["species", "case", "line"],
        "pairs": ["species", "a", "b"],
        "sites": ["species", "id", "treatment"],
    },
    "eia": {"impact": ["species", "case", "line"], "scenarios": ["species", "scenario"]},
}
LEFT_OUT = {"words", "lon", "lat", "budget", "interventions", "km_from", "km_to"}
CELL_KM2 = 25.0

EXACT = "counts, ranks of well separated candidates, prices and lengths as they stand in the layers"
WRITTEN = "tables are written to ten digits"
CELL = "a sum of whole cells: a cost that lies on the budget within rounding may fall on either side on another processor; one cell of 25 km2"
SHORTEST = "sums of at most some hundred positive costs in an order that the compiler may change: 1e-12, kept to ten digits"
SOLVED = "conductances by elimination of the same network; BLAS of another processor sums in another order: 1e-12 times a condition of about 1e4"
DIFFERENCE = "differences of two solved numbers of order one: the same absolute error"

TOLERANCES: dict[str, tuple[float, float, str]] = {  # column: (relative, absolute, why)
    "range_cut_off_km2": (0.0, CELL_KM2, CELL),
    "reachable_km2": (0.0, CELL_KM2, CELL),
    "gain_range_cut_off_km2": (0.0, CELL_KM2, CELL),
    "gain_reachable_km2": (0.0, CELL_KM2, CELL),
    "cost_km": (2e-9, 0.0, SHORTEST),
    "straight_km": (2e-9, 0.0, WRITTEN),
    "detour": (2e-9, 0.0, SHORTEST),
    "gain_detour": (0.0, 1e-8, DIFFERENCE),
    "eca_km2": (2e-9, 0.0, SHORTEST),
    "gain_eca_km2": (0.0, 1e-5, DIFFERENCE),
    "resistance": (1e-8, 0.0, SOLVED),
    "mean_resistance": (1e-8, 0.0, SOLVED),
    "gain_mean_resistance": (0.0, 1e-8, DIFFERENCE),
    "mean_conductance": (1e-8, 0.0, SOLVED),
    "gain_mean_conductance": (0.0, 1e-8, DIFFERENCE),
    "gain_per_musd": (0.0, 1e-6, DIFFERENCE),
    "pressure": (0.0, 1e-8, SOLVED),
}  # fmt: skip


def tables(name: str, folder: Path) -> dict[str, pd.DataFrame]:
    """The tables of one project, made now, without draws and budget."""
    found = pm.open_project(pm.sample_folder() / f"{name}.toml")
    spec = found.spec
    ranking = spec.ranking.model_copy(update={"draws": 0, "budget_usd": None})
    comparison = spec.comparison.model_copy(update={"draws": 0})
    project = pm.Project(found.path, spec.model_copy(update={"ranking": ranking, "comparison": comparison}))
    pm.run_project(project, folder / name, report=False)
    out = {}
    for table, keys in TABLES[name].items():
        made = pd.read_csv(folder / name / f"{table}.csv")
        made = made.drop(columns=[c for c in made if c in LEFT_OUT and c not in keys])
        if table == "scenarios":  # one column for each index, whose tolerance it has
            wide = made.pivot(index=["species", "scenario"], columns="index", values=["after", "change"])
            wide.columns = [name if kind == "after" else f"gain_{name}" for kind, name in wide.columns]
            made = wide.reset_index()
        out[table] = made.sort_values(keys, kind="stable").reset_index(drop=True)
    return out


def apart(old: pd.Series, new: pd.Series, column: str) -> np.ndarray:
    """Rows in which a column is not what it was."""
    if not pd.api.types.is_numeric_dtype(old) or pd.api.types.is_bool_dtype(old):
        return (old.astype(str) != new.astype(str)).to_numpy()
    relative, absolute, _ = TOLERANCES.get(column, (0.0, 0.0, EXACT))
    return ~np.isclose(new.to_numpy(float), old.to_numpy(float), rtol=relative, atol=absolute, equal_nan=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(TABLES))
def test_no_number_of_the_gobi_moves_unseen(name, tmp_path):
    for table, now in tables(name, tmp_path).items():
        kept = pd.read_csv(KEPT / f"{name}_{table}.csv")
        keys = TABLES[name][table]
        assert kept[keys].astype(str).equals(now[keys].astype(str)), f"{table}: other rows"
        assert list(kept.columns) == list(now.columns)
        for column in kept.columns.difference(keys):
            rows = apart(kept[column], now[column], column)
            moved = pd.DataFrame({**kept.loc[rows, keys], "was": kept.loc[rows, column], "is": now.loc[rows, column]})  # fmt: skip
            assert not len(moved), f"{name} {table}.{column} moved:\n{moved.to_string()}"


@pytest.mark.parametrize("column", sorted(TOLERANCES))
def test_a_number_that_moves_by_more_than_its_tolerance_is_seen(column):
    relative, absolute, why = TOLERANCES[column]
    assert why
    old = pd.Series([1.0, 200.0])
    step = np.array([0.0, 1.0]) * (relative * 200.0 + absolute)
    assert apart(old, old + 0.9 * step, column).tolist() == [False, False]
    assert apart(old, old + 1.1 * step, column).tolist() == [False, True]


if __name__ == "__main__":
    for project in TABLES:
        with tempfile.TemporaryDirectory() as place:
            for table, made in tables(project, Path(place)).items():
                made.to_csv(KEPT / f"{project}_{table}.csv", index=False)
