"""ProtConn against a dense formula written from the definitions of Saura et al. 2017, and what it must not hang on."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import pytest
import shapely

from permeability.core.errors import OptionError
from permeability.linkage.network_metrics import MovementKernel, probability_of_connectivity
from permeability.linkage.protected_areas import protconn, protconn_by_country
from permeability.linkage.protected_network import graph_protconn, network_protconn

KERNEL = MovementKernel.from_probability(10_000.0, 0.5)
CRS = "EPSG:32648"


def dense(area: Any, links: Any, outside: Any, median_m: float, region: float) -> dict[str, float]:
    """The definitions, word by word: a matrix of chances, best products by passing every node in turn."""
    n = len(area)

    def ec(keep: np.ndarray) -> float:
        chance = np.eye(n)
        for i, j, d in zip(*links):
            if keep[i] and keep[j]:
                chance[i, j] = chance[j, i] = max(chance[i, j], 0.5 ** (d / median_m))
        for k in range(n):
            chance = np.maximum(chance, np.outer(chance[:, k], chance[k]))
        held = np.where(outside, 0.0, area)
        return sum(held[i] * held[j] * chance[i, j] for i in range(n) for j in range(n)) ** 0.5

    graph = nx.Graph()
    graph.add_nodes_from(np.flatnonzero(~outside))
    graph.add_edges_from((i, j) for i, j, d in zip(*links) if d == 0 and not outside[i] and not outside[j])
    clumps = [sum(area[k] for k in c) for c in nx.connected_components(graph)]
    full, own = ec(np.ones(n, bool)), ec(~outside)
    prot, within = (
        sum(c * c for c in clumps) ** 0.5,
        sum(area[k] ** 2 for k in np.flatnonzero(~outside)) ** 0.5,
    )
    parts = {
        "Prot": area[~outside].sum(), "ProtConn": full, "ProtUnconn": area[~outside].sum() - full, "ProtConn[Prot]": prot,
        "ProtConn[Within]": within, "ProtConn[Contig]": prot - within, "ProtConn[Unprot]": own - prot, "ProtConn[Trans]": full - own,
    }  # fmt: skip
    return {k: 100 * v / region for k, v in parts.items()}


def network(seed: int, n: int = 14) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(seed)
    i, j = np.triu_indices(n, 1)
    there = rng.random(len(i)) < rng.uniform(0.15, 0.6)
    length = rng.choice([0.0, 1.0], len(i), p=[0.15, 0.85]) * rng.uniform(100, 60_000, len(i))
    outside = rng.random(n) < 0.25
    outside[0] = False
    return rng.uniform(0.5, 50, n), (i[there], j[there], length[there]), outside


@pytest.mark.parametrize("seed", range(30))
def test_equals_the_dense_definition(seed: int) -> None:
    area, links, outside = network(seed)
    wanted = dense(area, links, outside, 10_000.0, 1000.0)
    exact = network_protconn(area, links, KERNEL, 1000.0, outside=outside, below=0)
    assert exact.percent == pytest.approx(wanted, rel=1e-9, abs=1e-9)
    assert exact.error_pct == 0
    for below in (1e-6, 1e-2, 0.2):  # what is left out is no more than is said
        cut = network_protconn(area, links, KERNEL, 1000.0, outside=outside, below=below)
        assert cut.percent["ProtConn"] <= wanted["ProtConn"] + 1e-9
        assert wanted["ProtConn"] <= cut.percent["ProtConn"] + cut.error_pct + 1e-9
        for part in ("ProtConn[Trans]", "ProtConn[Unprot]"):
            assert abs(cut.percent[part] - wanted[part]) <= cut.parts_error_pct + 1e-9


@pytest.mark.parametrize("seed", range(5))
def test_parts_add_up_and_do_not_hang_on_order_or_unit(seed: int) -> None:
    area, (i, j, d), outside = network(seed)
    found = network_protconn(area, (i, j, d), KERNEL, 1000.0, outside=outside)
    p = found.percent
    assert p["ProtConn"] == pytest.approx(
        p["ProtConn[Within]"] + p["ProtConn[Contig]"] + p["ProtConn[Unprot]"] + p["ProtConn[Trans]"],
        rel=1e-12,
    )
    assert p["Prot"] == pytest.approx(p["ProtConn"] + p["ProtUnconn"], rel=1e-12)
    new = np.random.default_rng(seed).permutation(
        len(area)
    )  # node k becomes new[k]; links are turned and shuffled
    rows = np.random.default_rng(seed + 9).permutation(len(i))
    other = network_protconn(
        area[np.argsort(new)],
        (new[j][rows], new[i][rows], d[rows]),
        KERNEL,
        1000.0,
        outside=outside[np.argsort(new)],
    )
    assert other.percent == pytest.approx(p, rel=1e-12, abs=1e-12)
    miles = network_protconn(
        area * 7, (i, j, d / 3), MovementKernel(KERNEL.mean_m / 3), 7000.0, outside=outside
    )
    assert miles.percent == pytest.approx(p, rel=1e-12, abs=1e-12)


def test_is_the_pc_of_the_house_where_nothing_lies_outside() -> None:
    area, (i, j, d), _ = network(3)
    graph = nx.Graph()
    graph.add_nodes_from((k, {"area_km2": a}) for k, a in enumerate(area))
    graph.add_edges_from((a, b, {"cost_m": c}) for a, b, c in zip(i, j, d))
    found = graph_protconn(graph, KERNEL, 1000.0, below=0)
    assert found.eca_km2 == pytest.approx(
        probability_of_connectivity(graph, KERNEL, area="area_km2").eca, rel=1e-12
    )


def boxes(*places: tuple[float, float, float]) -> gpd.GeoSeries:
    return gpd.GeoSeries([shapely.box(x, 0, x + w, h) for x, w, h in places], crs=CRS)


REGION = shapely.box(0, 0, 100_000, 10_000)  # 1000 km2


def test_one_area_is_all_within() -> None:
    found = protconn(boxes((0, 10_000, 10_000)), KERNEL, REGION)
    assert found.percent["ProtConn"] == found.percent["ProtConn[Within]"] == pytest.approx(10)
    assert found.percent["ProtUnconn"] == pytest.approx(0)


def test_an_area_cut_in_two_rows_hangs_together() -> None:
    """The split moves land from [Within] to [Contig] and changes nothing else."""
    whole = protconn(boxes((0, 20_000, 10_000), (40_000, 10_000, 5000)), KERNEL, REGION).percent
    split = protconn(
        boxes((0, 5000, 10_000), (5000, 15_000, 10_000), (40_000, 10_000, 5000)), KERNEL, REGION
    ).percent
    for part in ("Prot", "ProtConn", "ProtConn[Prot]", "ProtConn[Unprot]"):
        assert split[part] == pytest.approx(whole[part], rel=1e-12)
    assert split["ProtConn[Contig]"] > whole["ProtConn[Contig]"] == pytest.approx(0, abs=1e-12)


def test_what_lies_twice_counts_once() -> None:
    once = protconn(boxes((0, 20_000, 10_000)), KERNEL, REGION).percent
    twice = protconn(boxes((0, 20_000, 10_000), (0, 20_000, 10_000)), KERNEL, REGION).percent
    assert twice["Prot"] == pytest.approx(once["Prot"])
    assert twice["ProtConn"] == pytest.approx(once["ProtConn"])


def test_stepping_stones_abroad_count_as_trans_only() -> None:
    """Two areas 60 km apart at the border, and a long one beyond it beside both."""
    home = [shapely.box(0, 0, 10_000, 5000), shapely.box(70_000, 0, 80_000, 5000)]
    abroad = shapely.box(0, -6000, 80_000, -1000)
    alone = protconn(gpd.GeoSeries(home, crs=CRS), KERNEL, REGION).percent
    joined = protconn(gpd.GeoSeries([*home, abroad], crs=CRS), KERNEL, REGION).percent
    assert alone["ProtConn[Trans]"] == 0
    assert joined["Prot"] == alone["Prot"]
    assert joined["ProtConn[Unprot]"] == pytest.approx(alone["ProtConn[Unprot]"])
    # 50 and 50 km2, chance over two gaps of 1 km: 2^-0.2
    assert joined["ProtConn"] == pytest.approx(100 * np.sqrt(2 * 50**2 * (1 + 0.5**0.2)) / 1000, rel=1e-9)
    none = protconn(gpd.GeoSeries([*home, abroad], crs=CRS), KERNEL, REGION, outside_m=0).percent
    assert none == pytest.approx(alone)


def test_planar_links_are_never_more_and_row_order_plays_no_part() -> None:
    rng = np.random.default_rng(4)
    at = rng.uniform(0, 90_000, (40, 2)) * [1, 0.1]
    areas = gpd.GeoSeries(shapely.box(at[:, 0], at[:, 1], at[:, 0] + 800, at[:, 1] + 600), crs=CRS)
    every = protconn(areas, KERNEL, REGION)
    planar = protconn(areas, KERNEL, REGION, links="planar")
    assert planar.percent["ProtConn"] <= every.percent["ProtConn"] + 1e-12
    assert planar.links < every.links
    shuffled = protconn(areas.sample(frac=1, random_state=1), KERNEL, REGION)
    assert shuffled.percent == pytest.approx(every.percent, rel=1e-12, abs=1e-12)


def test_by_country_cuts_at_the_border() -> None:
    lands = gpd.GeoDataFrame(
        {"land": ["W", "E", "W"]}, crs=CRS,
        geometry=[shapely.box(0, 0, 50_000, 10_000), shapely.box(50_000, 0, 100_000, 10_000), shapely.box(0, 10_000, 10_000, 20_000)],
    )  # fmt: skip
    areas = boxes((45_000, 10_000, 10_000), (90_000, 10_000, 10_000))
    found = protconn_by_country(areas, KERNEL, lands, name="land")
    assert found.table["country"].tolist() == ["W", "E"]
    assert found.table["protected_km2"].tolist() == pytest.approx([50.0, 150.0])
    assert found.table["region_km2"].tolist() == pytest.approx([600.0, 500.0])


@pytest.mark.parametrize(
    ("area", "links", "region"),
    [([1.0, -1], ([], [], []), 10), ([1.0], ([0], [1], [1.0]), 10), ([1.0], ([], [], []), 0.5), ([1.0, 1], ([0], [1], [-1.0]), 10), ([], ([], [], []), 10)],
)  # fmt: skip
def test_refusals(area: Any, links: Any, region: float) -> None:
    with pytest.raises(OptionError, match="D21"):
        network_protconn(area, links, KERNEL, region)


def test_refuses_degrees_and_lines() -> None:
    with pytest.raises(OptionError, match="D22"):
        protconn(gpd.GeoSeries([shapely.box(0, 0, 1, 1)], crs=4326), KERNEL, REGION)
    with pytest.raises(OptionError, match="D22"):
        protconn(gpd.GeoSeries([shapely.LineString([(0, 0), (1, 1)])], crs=CRS), KERNEL, REGION)
    with pytest.raises(OptionError, match="D22"):
        protconn_by_country(
            boxes((0, 1, 1)), KERNEL, gpd.GeoDataFrame({"a": [1]}, geometry=[REGION], crs=CRS)
        )


@pytest.mark.parametrize(
    ("links", "below", "what"),
    [
        (([0], [1], [1.0, 2.0]), 0.01, "links of unequal parts"),
        (([0], [1], [1.0]), 1.0, "a chance of 1.0"),
        (([0], [1], [1.0]), -0.1, "a chance of -0.1"),
    ],
)
def test_links_and_chances_that_cannot_be(links: Any, below: float, what: str) -> None:
    with pytest.raises(OptionError, match=rf"D21.*{what}"):
        network_protconn([1.0, 1.0], links, KERNEL, 10, below=below)


def test_nodes_outside_must_be_nodes() -> None:
    graph = nx.Graph()
    graph.add_node("a", area_km2=2.0)
    graph.add_node("b", area_km2=3.0)
    graph.add_edge("a", "b", cost_m=10_000.0)
    with pytest.raises(OptionError, match=r"D21.*outside the region") as caught:
        graph_protconn(graph, KERNEL, 10.0, outside=["b", "z", "y"])
    assert list(caught.value.rows) == ["y", "z"]
    assert graph_protconn(graph, KERNEL, 10.0, outside=["b"]).percent["Prot"] == pytest.approx(20)


def test_stepping_stones_abroad_count_as_far_as_asked() -> None:
    home = [shapely.box(0, 0, 10_000, 5000), shapely.box(70_000, 0, 80_000, 5000)]
    areas = gpd.GeoSeries([*home, shapely.box(0, -6000, 80_000, -1000)], crs=CRS)  # 1 km abroad
    every = protconn(areas, KERNEL, REGION)
    none = protconn(areas, KERNEL, REGION, outside_m=0)
    assert every.percent["ProtConn[Trans]"] > none.percent["ProtConn[Trans]"] == 0
    for reach, expected in ((999.0, none), (1001.0, every)):
        assert protconn(areas, KERNEL, REGION, outside_m=reach).percent == pytest.approx(expected.percent)


def test_without_a_least_chance_every_pair_is_linked() -> None:
    areas = boxes((0, 1000, 1000), (20_000, 1000, 1000), (90_000, 1000, 1000))
    found = protconn(areas, KERNEL, REGION, below=0.0)
    assert found.links == 3
    area, gap = np.array([1.0, 1.0, 1.0]), np.array([19_000.0, 89_000.0, 69_000.0])
    expected = dense(area, ([0, 0, 1], [1, 2, 2], gap), np.zeros(3, bool), 10_000.0, 1000.0)
    assert found.percent["ProtConn"] == pytest.approx(expected["ProtConn"], rel=1e-9)
    assert protconn(areas, KERNEL, REGION, below=0.1).links == 1
