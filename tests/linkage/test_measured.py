"""A landscape measured once: the same numbers as worked out one by one, found again by content, for every thread."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from repeated_work import counted_work

import permeability as pm
from permeability.engines.circuit import pairwise
from permeability.landscape.landscape import Landscape
from permeability.landscape.patches import Patches
from permeability.linkage.landscape_indices import distance_from, pair_costs, pair_resistances
from permeability.linkage.measured import Measured, ground_quality_ha, indices


@pytest.fixture(scope="module")
def sample() -> tuple[Landscape, Patches]:
    """Two patches, the fence between them open over two kilometres."""
    land, patches = pm.samples.tiny()
    return land.with_scenario(pm.Scenario("gap").remove("F", km=(3, 5))), patches


@pytest.mark.parametrize("keep", [False, True])
def test_every_number_is_the_one_worked_out_by_itself(sample: tuple[Landscape, Patches], keep: bool) -> None:
    land, patches = sample
    found = Measured(land, patches, land.valid, keep_fields=keep)
    fields = [distance_from(land, patches.mask(i + 1)) for i in range(len(patches))]
    budget = land.profile.budget_m.best
    np.testing.assert_array_equal(found.cost, pair_costs(land, patches))
    np.testing.assert_array_equal(found.bare.cost, pair_costs(land.without_barriers(), patches))
    np.testing.assert_array_equal(found.resistance, pair_resistances(land, patches))
    np.testing.assert_array_equal(found.fields, fields)
    np.testing.assert_array_equal(found.nearest, np.minimum(*fields))
    np.testing.assert_array_equal(found.reach_count, sum((f <= budget).astype(float) for f in fields))
    assert found.reach.tolist() == [np.count_nonzero(f <= budget) * land.grid.cell_area_km2 for f in fields]
    quality = ground_quality_ha(land)
    assert found.reach_quality_ha.tolist() == [quality[f <= budget].sum() for f in fields]
    circuit = pairwise(land.resistance, patches.labels, barriers=land.edge_barriers(), current="cumulative")
    np.testing.assert_array_equal(found.flow.current, circuit.current)
    assert found.indices.values == indices(land, patches, land.valid).values
    reached = np.nansum(found.reach_count) * land.grid.cell_area_km2
    assert found.indices.values["reachable_km2"] == pytest.approx(reached / len(patches))


def test_a_landscape_is_known_again_by_its_content(sample: tuple[Landscape, Patches]) -> None:
    land, patches = sample
    today = Measured(land, patches, land.valid)
    again = replace(
        land, resistance=land.resistance.copy(), scenario=replace(land.scenario, name="another name")
    )
    assert today.of(again) is today
    assert today.of(land.without_lines(["F", "S"])) is today.of(land.without_barriers()) is today.bare
    assert today.of(land.without_barriers(keep=["F"])) is today.of(land.without_lines(["S"]))


def test_whatever_a_number_depends_on_makes_another_landscape(sample: tuple[Landscape, Patches]) -> None:
    land, patches = sample
    today = Measured(land, patches, land.valid)
    harder = land.resistance.copy()
    harder[0, 0] *= 2
    inside = land.valid.copy()
    inside[0, 0] = False
    heavier = replace(patches, table=patches.table.assign(weight=[1.0, 2.0]))
    moved = replace(patches, labels=np.roll(patches.labels, 1, axis=1))
    others = [
        today.of(replace(land, resistance=harder)),
        today.of(replace(land, neighbours=4)),
        today.of(replace(land, profile=land.profile.override({"movement.budget_km": 3.0}))),
        today.of(replace(land, profile=land.profile.override({"movement.dispersal_km": 3.0}))),
        today.of(land.without_lines(["F"])),
        today.of(land, heavier),
        today.of(land, moved),
        today.of(land, inside=inside),
    ]
    assert len({id(x) for x in [today, *others]}) == 9


def test_a_state_is_told_without_keeping_its_landscape(sample: tuple[Landscape, Patches]) -> None:
    land, patches = sample
    today = Measured(land, patches, land.valid)
    with counted_work() as work:
        first = today.state_of(land.without_lines(["F"]))
        second = today.state_of(land.without_barriers(keep=["S"]))
    assert first is second
    assert (work.all("field"), work.all("condensation")) == (2, 1)
    assert today.of(land.without_lines(["F"])).state is first


def test_threads_wait_for_each_other_instead_of_working_twice(sample: tuple[Landscape, Patches]) -> None:
    land, patches = sample
    today = Measured(land, patches, land.valid)
    with counted_work() as work, ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: (today.indices, today.nearest, today.bare.cost), range(8)))
    assert work.all("field") == 5  # two patches with and without barriers, and the nearest patch
    assert work.repeats("field") == work.repeats("condensation") == 0


def test_what_goes_to_another_machine_is_the_landscape_alone(sample: tuple[Landscape, Patches]) -> None:
    land, patches = sample
    today = Measured(land, patches, land.valid)
    pickle = pytest.importorskip("cloudpickle")
    before = len(pickle.dumps(today))
    told = today.indices.values
    assert len(pickle.dumps(today)) == pytest.approx(
        before, rel=0.5
    )  # the landscape keeps its own costs and parts
    there = pickle.loads(pickle.dumps(today))
    assert "_ways" not in vars(there)
    assert there.indices.values == told


def test_the_counter_sees_work_that_is_done_twice(sample: tuple[Landscape, Patches]) -> None:
    land, patches = sample
    with counted_work() as work:
        for _ in range(2):
            distance_from(land, patches.mask(1))
            pair_resistances(land, patches)
        distance_from(land.without_barriers(), patches.mask(1))
        distance_from(land, patches.mask(2))
    assert (work.all("field"), work.repeats("field")) == (4, 1)
    assert (work.all("condensation"), work.repeats("condensation")) == (2, 1)


def test_what_is_kept_is_documented_on_the_class() -> None:
    assert Measured.cost.__doc__  # the property itself, not a value
    assert Measured.cost.name == "cost"
    assert Measured.cost is not Measured.fields
