"""A small result folder with names of one's choice, as ``permeability run`` would write it; loaded with runpy."""

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from permeability.layers import rasters, vectors, whole_files
from permeability.layers.grid import Grid

HOSTILE = (
    "<script>alert(1)</script>",
    '"; rm -rf / #',
    "Щ" + "x" * 298 + "ё",
    "Говь-Сүмбэр Өмнөговь",
    "{{ 7*7 }} {0} %s ${HOME} `id` \\",
)
CRS = "EPSG:32648"
ROWS, COLS, CELL = 12, 20, 1000.0
WEST, NORTH = 500_000.0, 5_000_000.0
INDICES = (
    "range_cut_off_km2", "range_pieces", "reachable_km2", "pairs_apart", "detour", "mean_resistance", "mean_conductance", "eca_km2",
)  # fmt: skip


def make_results(folder, names=("Rail", "Road", "Fence", "Plan", "Patch"), species="khulan", draws=True):
    """Write the folder and give it back."""
    folder.mkdir(parents=True, exist_ok=True)
    grid = Grid.from_bounds((WEST, NORTH - ROWS * CELL, WEST + COLS * CELL, NORTH), cell_size=CELL, crs=CRS)
    _rasters(folder, grid, species)
    _tables(folder, names, species, draws)
    _csv(folder, names, species)
    _json(folder, grid, names, species)
    return folder


def _rasters(folder, grid, species):
    y, x = np.mgrid[:ROWS, :COLS]
    ground = 1 + 0.3 * ((x + y) % 4)
    ground[0, 0] = np.nan
    distance = np.hypot(y - 5, x - 3) * CELL
    distance[:, 15:] = np.nan  # east of a second barrier: no path
    for kind, values in {
        "habitat": ground,
        "resistance": ground * 3,
        "current": np.exp(-distance / 4000),
        "cost_distance": distance,
    }.items():
        rasters.write_geotiff(
            folder / f"{kind}_{species}.tif",
            np.where(np.isnan(ground), np.nan, values),
            grid,
            description=kind,
        )


def _tables(folder, names, species, draws):
    rail, road, fence, plan, patch = names

    def line(x, a=0.0, b=float(ROWS)):
        return shapely.LineString([(WEST + x * CELL, NORTH - b * CELL), (WEST + x * CELL, NORTH - a * CELL)])

    frame = lambda rows: gpd.GeoDataFrame(rows, crs=CRS)  # noqa: E731
    barriers = frame([
        {"id": "R1", "name": rail, "kind": "railway", "line": rail, "status": "existing", "fence_class": "rail_barbed_both_sides", "fenced": "yes", "vehicles_per_day": np.nan, "accuracy_m": 3000.0, "source": rail, "licence": rail, "standing": True, "km_from": 0.0, "km_to": 12.0, "geometry": line(10)},
        {"id": "W1", "name": road, "kind": "road", "line": road, "status": "existing", "fence_class": None, "fenced": "unknown", "vehicles_per_day": 2200.0, "accuracy_m": np.nan, "source": road, "licence": "", "standing": True, "km_from": 0.0, "km_to": 12.0, "geometry": line(12.5)},
        {"id": "F1", "name": fence, "kind": "fence", "line": fence, "status": "existing", "fence_class": "border", "fenced": "mostly", "vehicles_per_day": np.nan, "accuracy_m": 500.0, "source": "", "licence": "", "standing": True, "km_from": 0.0, "km_to": 12.0, "geometry": line(19)},
        {"id": "P1", "name": plan, "kind": "railway", "line": plan, "status": "planned", "fence_class": None, "fenced": "unknown", "vehicles_per_day": np.nan, "accuracy_m": 500.0, "source": "", "licence": "", "standing": False, "km_from": 0.0, "km_to": 12.0, "geometry": line(6)},
    ])  # fmt: skip
    patches = frame([
        {"species": species, "id": f"p{i}", "name": patch if i == 0 else f"Patch {i}", "area_km2": 4.0, "weight": 1.0, "geometry": shapely.box(WEST + x * CELL, NORTH - (y + 2) * CELL, WEST + (x + 2) * CELL, NORTH - y * CELL)}
        for i, (x, y) in enumerate(((2, 4), (7, 8), (14, 5)))
    ])  # fmt: skip
    ranges = frame(
        [
            {
                "species": species,
                "id": rail,
                "geometry": shapely.box(WEST + CELL, NORTH - 11 * CELL, WEST + 18 * CELL, NORTH - CELL),
            }
        ]
    )
    rows = []
    for i in range(6):
        a, b = 2.0 * i, 2.0 * i + 2
        row = {
            "species": species,
            "rank": i + 1,
            "id": f"{rail} km {a:g}-{b:g}",
            "line": rail,
            "km_from": a,
            "km_to": b,
            "length_km": 2.0,
            "treatment": "remove",
        }
        row |= {
            f"gain_{n}": v
            for n, v in zip(INDICES, (60.0, 1.0, 30.0 - i, 2.0, 0.5, np.inf, 0.4 - 0.05 * i, 3.0))
        }
        row |= {"cost_usd_low": 1000.0, "cost_usd": 6000.0, "cost_usd_high": 14_000.0, "gain_per_musd": 66.0}
        if draws:
            row |= {
                "rank_low": max(1, i - 1),
                "rank_median": i + 1,
                "rank_high": i + 3,
                "share_in_top": 1 - 0.1 * i,
                "share_joins": 0.24,
                "alike": 1 if i < 2 else 2,
                "has_gain": True,
                "gain_expected": 0.3 - 0.05 * i,
                "gain_low": 0.1,
                "gain_high": 0.6,
            }
            for n, e in (("range_cut_off_km2", 14.4), ("reachable_km2", 25.0 - i)):
                row |= {f"gain_{n}_expected": e, f"gain_{n}_low": 0.0, f"gain_{n}_high": 60.0}
        rows.append({**row, "geometry": line(10, a, b)})
    sites = frame(rows)
    whole_files.write_csv(folder / "sites.csv", pd.DataFrame(sites.drop(columns="geometry")))
    plan = sites.iloc[[0, 2]][
        [
            "id",
            "line",
            "km_from",
            "km_to",
            "treatment",
            "cost_usd_low",
            "cost_usd",
            "cost_usd_high",
            "geometry",
        ]
    ]
    plan = plan.assign(plan=species)
    plan[f"gain_alone_{species}"] = [0.4, 0.3]
    vectors.write_gpkg(
        folder / "sites.gpkg",
        {"sites": sites, "barriers": barriers, "patches": patches, "ranges": ranges, "plan": plan},
    )
    _money(folder, species, [*sites["id"].iloc[:4], "plan"])


def _money(folder, species, ids):
    rows = []
    for i in ids:
        for rate, worth in ((0.01, 9000.0), (0.03, 8000.0), (0.07, 7000.0)):
            row = {"species": species, "id": i, "years": 25.0, "rate": rate}
            for name, value in (
                ("once_usd", 6000.0),
                ("yearly_usd", 100.0),
                ("whole_life_usd", worth),
                ("benefit_usd", 50.0),
                ("net_usd", worth - 50),
                ("reachable_km2_per_musd", 3000.0),
                ("mean_conductance_per_musd", 40.0),
            ):
                row |= {f"{name}_low": 0.5 * value, name: value, f"{name}_high": 2 * value}
            rows.append({**row, "plan": species if i == "plan" else ""})
    whole_files.write_csv(folder / "cost_benefit.csv", pd.DataFrame(rows))
    hectares = [
        {"species": species, "measure": m, "without_barriers_qha": 9000.0, "today_qha": 5000.0, "after_qha": 6500.0, "lost_qha": 4000.0, "given_back_qha": 1500.0, "balance_qha": -2500.0, "plan": p}
        for m in ("connected_range", "reachable") for p in ("", species)
    ]  # fmt: skip
    whole_files.write_csv(folder / "offset.csv", pd.DataFrame(hectares))


def _plans(species, rail):
    def told(value, unit="1"):
        return {"value": value, "unit": unit}

    first, second, other = (f"{rail} km {a:g}-{a + 2:g}" for a in (0, 4, 8))
    plan = {
        "view": "circuit", "rule": "weighted", "sites": [first, second], "budget_usd": told(12_500.0, "USD"), "cost_usd": told(12_000.0, "USD"),
        "gain": told(0.8), "bound": told(0.9), "gap": told(0.1 / 0.9),
        "species": {species: {"weight": told(1.0), "gain": told(0.8), "gain_of_all": told(1.6), "share": told(0.5)}},
        "methods": {
            "score and rank": {"gain": told(0.6), "cost_usd": told(12_000.0), "sites": f"{first}, {other}", "share_of_best": told(0.75)},
            "swaps from all starts": {"gain": told(0.8), "cost_usd": told(12_000.0), "sites": f"{first}, {second}", "share_of_best": told(1.0)},
        },
        "near_best": [{"gain": told(0.79), "cost_usd": told(12_000.0), "sites": f"{second}, {other}", "share_of_best": told(0.9875), "in_common": told(1)}],
        "curve": [{"budget_usd": told(b), "gain": told(g)} for b, g in ((6_000.0, 0.4), (12_500.0, 0.8), (50_000.0, 1.6))],
        "indices": {species: {"mean_conductance": {"before": told(1.0), "after": told(1.8), "gain": told(0.8)}, "reachable_km2": {"before": told(50.0), "after": told(75.0), "gain": told(25.0)}}},
        "afterwards": [{"id": other, "gain": told(0.2), "cost_usd": told(6_000.0), "gain_per_musd": told(33.0)}],
    }  # fmt: skip
    front = [{f"gain_{species}": told(0.8), "cost_usd": told(12_000.0), "sites": first, "chosen": True}]
    both = {
        **plan,
        "species": {**plan["species"], "other": plan["species"][species]},
        "pareto": front,
        "gap": told(0.0),
    }
    return {species: plan, "all species": both}


def _csv(folder, names, species):
    rail, road = names[0], names[1]
    along = [{"species": species, "line": rail, "km_from": float(k), "km_to": k + 1.0, "pressure": 0.02 * k, "passages": 0.0 if k < 6 else 0.1, "complete": float(k < 6)} for k in range(12)]  # fmt: skip
    whole_files.write_csv(folder / "pressure.csv", pd.DataFrame(along))
    bare = (0.0, 1.0, 90.0, 0.0, 1.0, 0.5, 2.0, 12.0)
    today = (60.0, 2.0, 50.0, 2.0, 1.8, np.inf, 1.0, 9.0)
    cases = [
        ("no barriers", "", bare),
        ("all barriers", "", today),
        (f"only {rail}", rail, today),
        (f"only {road}", road, (0.0, 1.0, 80.0, 0.0, 1.1, 0.6, 1.9, 11.0)),
    ]
    cases += [
        (f"without {rail}", rail, (0.0, 1.0, 80.0, 0.0, 1.1, 0.6, 1.9, 11.0)),
        (f"without {road}", road, (60.0, 2.0, 55.0, 2.0, 1.7, np.inf, 1.1, 9.5)),
    ]
    whole_files.write_csv(
        folder / "impact.csv",
        pd.DataFrame(
            [{"species": species, "case": c, "line": x, **dict(zip(INDICES, v))} for c, x, v in cases]
        ),
    )
    pairs = [
        ("p0", "p1", True, 5.0, 4.5, 1.1, 0.7),
        ("p0", "p2", False, np.inf, 11.0, np.inf, np.inf),
        ("p1", "p2", False, np.inf, 8.0, np.inf, np.inf),
    ]
    columns = ("a", "b", "connected", "cost_km", "straight_km", "detour", "resistance")
    whole_files.write_csv(
        folder / "pairs.csv",
        pd.DataFrame([{"species": species, **dict(zip(columns, p)), "words": ""} for p in pairs]),
    )
    after = (0.0, 1.0, 70.0, 0.0, 1.3, 0.8, 1.5, 10.0)
    rows = [
        {
            "species": species,
            "index": n,
            "before": b,
            "after": a,
            "change": a - b,
            "unit": "1",
            "scenario": names[2],
            "interventions": f"{names[2]}: remove {rail}",
        }
        for n, b, a in zip(INDICES, today, after)
    ]
    whole_files.write_csv(folder / "scenarios.csv", pd.DataFrame(rows))


def _headline(rail):
    """Statements as a run with draws makes them."""
    first, gain = f"{rail} km 0-2", {"value": 0.3, "unit": "1"}
    return [
        {"statement": "apart", "index": "range_cut_off_km2", "value": {"value": 60.0, "unit": "km2"}, "expected": {"value": 14.0, "unit": "km2"}, "low": {"value": 0.0, "unit": "km2"}, "high": {"value": 60.0, "unit": "km2"}, "share_at_least_half": 0.24},
        {"statement": "first", "site": first, "treatment": "remove", "gain": gain, "low": {"value": 0.1, "unit": "1"}, "high": {"value": 0.6, "unit": "1"}, "top": 4, "share_in_top": 0.8, "share_gains": 1.0, "cost_usd_low": {"value": 1000.0}, "cost_usd": {"value": 6000.0}, "cost_usd_high": {"value": 14_000.0}},
        {"statement": "alike", "sites": [first, f"{rail} km 2-4"], "places": [[rail, 0.0, 4.0]]},
        {"statement": "joins", "site": first, "share": 0.24, "use_low": 0.1, "use": 0.5, "use_high": 0.9},
        {"statement": "reach", "site": first, "gain": {"value": 25.0, "unit": "km2"}, "low": {"value": 0.0, "unit": "km2"}, "high": {"value": 60.0, "unit": "km2"}},
        {"statement": "of a later version"},
    ]  # fmt: skip


def _json(folder, grid, names, species):
    rail = names[0]
    estimate = {"low": 0.0, "best": 0.05, "high": 0.3, "evidence": "M-m", "source": rail}
    component = {
        "id": "R1",
        "line": rail,
        "component": "fence left",
        "standing": True,
        "p_low": 0.0,
        "p": 0.0,
        "p_high": 0.02,
        "evidence": "M-m",
        "source": rail,
        "key": "crossing.rail_barbed_both_sides",
    }
    record = {
        "software": {"permeability": "0", "python": "3"}, "platform": "any", "project_file": {"name": "project.toml", "sha256": "0" * 64},
        "project": {"project": {"name": rail, "area": rail, "year": 2026, "season": None}, "grid": {"cell_size_m": CELL, "neighbours": 8}, "barriers": {"assume_fenced": "no"}, "ranking": {"top": 4}},
        "grid": {"text": repr(grid), "crs": grid.crs.to_wkt(), **grid.distortion()}, "layers": {rail: {"path": names[1], "table": names[2], "sha256": "a" * 64}}, "alignment": [rail], "chainage": {},
        "species": {species: {
            "profile": {"crossing.stock": estimate, names[3][:60]: estimate}, "names": {"en": names[4], "mn": names[4], "ru": names[4], "scientific": names[4]},
            "habitat": [{"factor": "water_km", "used": False, "why_not": "holds in the season 'warm' only", "multiplier_min": None, "multiplier_max": None, "evidence": "M-m", "source": rail}],
            "components": [component, {**component, "component": "track", "p": 0.5, "p_high": 0.9}], "edges_cut": 3, "solver": {"name": "splu", "why": "small", "residual": 1e-12}, "sentences": [rail], "notes": [rail],
            "influence": [
                {"number": "trace_length", "what": "x", "share": 0.4, "clear": True, "most_moved": f"{rail} km 0-2", "kind": "trace", "low": 8000.0, "best": 16000.0, "high": 62000.0, "unit": "m", "evidence": "D"},
                {"number": f"fenced.{names[3]}", "what": "x", "share": 0.2, "clear": True, "most_moved": "", "kind": "unmapped", "low": 0.0, "best": 0.5, "high": 1.0, "unit": "", "evidence": "X"},
                {"number": f"traffic.{names[1]}", "what": "x", "share": 0.003, "clear": False, "most_moved": "", "kind": "traffic", "low": 100.0, "best": 200.0, "high": 900.0, "unit": "vehicles per day", "evidence": "M-m"},
            ],
        }},
    }  # fmt: skip
    whole_files.write_json(folder / "record.json", record)
    whole_files.write_json(
        folder / "summary.json",
        {
            "project": names[3],
            "statement": names[2],
            "year": 2026,
            "season": None,
            "species": {species: {"headline": _headline(names[0])}},
            "plans": _plans(species, names[0]),
        },
    )
    json.loads((folder / "record.json").read_text(encoding="utf-8"))
