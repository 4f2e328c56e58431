"""Whole problem files as Circuitscape 3.5, 4 and 5, Linkage Mapper, ResistanceGA and Omniscape write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import omniscape_rules as windows
import pytest

from permeability.cli.commands import main
from permeability.interop.circuitscape import read_problem

HEADER = "ncols 3\nnrows 1\nxllcorner 0\nyllcorner 0\ncellsize 10\nNODATA_value -9999\n"


def exit_code(arguments: list[str]) -> object:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return ended.value.code


# every option of Circuitscape 4 with the words its own dialogue writes, sections in its order
CIRCUITSCAPE_4 = r"""[Options for advanced mode]
ground_file_is_resistances = True
remove_src_or_gnd = keepall
ground_file = (Browse for a ground point file)
use_unit_currents = False
source_file = (Browse for a current source file)
use_direct_grounds = False

[Mask file]
mask_file = None
use_mask = False

[Calculation options]
low_memory_mode = False
parallelize = False
solver = cg+amg
print_timings = False
preemptive_memory_release = False
print_rusages = False
max_parallel = 0

[Short circuit regions (aka polygons)]
polygon_file = (Browse for a short-circuit region file)
use_polygons = False

[Options for one-to-all and all-to-one modes]
use_variable_source_strengths = False
variable_source_file = None

[Output options]
set_null_currents_to_nodata = False
set_focal_node_currents_to_zero = False
set_null_voltages_to_nodata = False
compress_grids = False
write_cur_maps = True
write_volt_maps = False
output_file = result.out
write_cum_cur_map_only = False
log_transform_maps = False
write_max_cur_maps = False

[Version]
version = 4.0.5

[Options for reclassification of habitat data]
reclass_file = (Browse for file with reclassification data)
use_reclass_table = False

[Logging Options]
log_level = INFO
log_file = None
profiler_log_file = None
screenprint_log = False

[Options for pairwise and one-to-all and all-to-one modes]
included_pairs_file = (Browse for a file with pairs to include or exclude)
use_included_pairs = False
point_file = focal.asc

[Connection scheme for raster habitat data]
connect_using_avg_resistances = True
connect_four_neighbors_only = True

[Habitat raster or graph]
habitat_map_is_resistances = True
habitat_file = habitat.asc

[Circuitscape mode]
data_type = raster
scenario = pairwise
"""


def changed(**options: str) -> str:
    """The file with other values; further options at the end."""
    lines = CIRCUITSCAPE_4.splitlines()
    for name, value in options.items():
        at = [k for k, line in enumerate(lines) if line.startswith(f"{name} = ")]
        if at:
            lines[at[0]] = f"{name} = {value}"
        else:
            lines.append(f"{name} = {value}")
    return "\n".join(lines) + "\n"


VERSIONS = {
    "4": CIRCUITSCAPE_4,
    "3.5": changed(version="3.5.8", point_file_contains_polygons="False"),
    "Linkage Mapper": changed(
        version="unknown",
        remove_src_or_gnd="not entered",
        point_file_contains_polygons="True",
        habitat_map_is_resistances="True",
    ),
    "ResistanceGA": changed(
        version="4.0-beta",
        mask_file="(Browse for a raster mask file)",
        variable_source_file="(Browse for a short-circuit region file)",
        source_file="(Browse for a raster mask file)",
        log_level="critical",
        print_timings="1",
        print_rusages="1",
        write_cur_maps="1",
        precision="None",
        solver="cholmod",
        log_file=r"H:\results\run.log",
    ),
    "5": changed(
        version="5.0.0",
        data_type="Raster",
        scenario="Pairwise",
        precision="Double",
        use_64bit_indexing="true",
        cholmod_batch_size="1000",
        write_as_tif="false",
        suppress_messages="false",
        solver="mklpardiso",
        log_level="FATAL",
    ),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "habitat.asc").write_text(HEADER + "1 2 3\n")
    (tmp_path / "focal.asc").write_text(HEADER + "4 -9999 7\n")
    return tmp_path


LAYOUTS = {
    "4": "utf-8",
    "3.5": "utf-8-sig",
    "Linkage Mapper": "utf-16",
    "ResistanceGA": "latin-1",
    "5": "utf-8",
}


@pytest.mark.parametrize("version", VERSIONS)
def test_whole_files_run_unchanged(version: str, folder: Path) -> None:
    ini = folder / "problem.ini"
    text = VERSIONS[version] + "; Übergänge\n"
    ini.write_bytes(text.replace("\n", "\r\n").encode(LAYOUTS[version]))
    assert not [f for f in read_problem(ini).findings if f.severity != "note"]
    assert exit_code(["circuitscape", str(ini)]) == 0
    assert (folder / "result_resistances.out").read_text() == "0 4 7\n4 0 4\n7 4 0\n"
    assert (folder / "result_cum_curmap.asc").read_text().splitlines()[-1].split() == ["1", "1", "1"]


def test_the_shortest_file_runs(folder: Path) -> None:
    ini = folder / "short.ini"
    ini.write_text(
        "[circuitscape options]\ndata_type = raster\nscenario = pairwise\npoint_file = focal.asc\n"
        "habitat_file = habitat.asc\noutput_file = result.out\n"
    )
    assert exit_code(["circuitscape", str(ini)]) == 0
    # mean conductance, the default: 2 / (1 + 1/2) + 2 / (1/2 + 1/3)
    found = float((folder / "result_resistances_3columns.out").read_text().split()[-1])
    assert found == pytest.approx(2 / 1.5 + 2 / (5 / 6), rel=1e-10)


OMNISCAPE = """[Required]
resistance_file = resistance.asc
radius = 2
project_name = results

[General options]
source_file = source.asc
block_size = 1
source_from_resistance = false
resistance_is_conductance = false
r_cutoff = Inf
buffer = 0
source_threshold = 0
calc_normalized_current = true
calc_flow_potential = false
allow_different_projections = false
connect_four_neighbors_only = false
solver = cg+amg
correct_artifacts = true
precision = double

[Resistance reclassification]
reclassify_resistance = false
reclass_table = (browse to resistance reclass table file)
write_reclassified_resistance = false

[Processing options]
parallelize = true
parallel_batch_size = 10
suppress_cs_messages = true

[Output options]
write_raw_currmap = true
mask_nodata = true
write_as_tif = false

[Conditional connectivity options]
conditional = false
n_conditions = 1
compare_to_future = none
condition1_file = (browse to condition 1 file)
comparison1 = within
condition1_lower = 0
condition1_upper = 0
condition2_file = (browse to condition 2 file)
comparison2 = within
condition2_lower = NaN
condition2_upper = NaN
condition1_future_file = (browse to future condition 1 file)
condition2_future_file = None
"""


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_whole_moving_window_file_runs(ending: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    layers = {"resistance": rng.integers(1, 9, (6, 7)), "source": rng.integers(0, 3, (6, 7))}
    header = HEADER.replace("ncols 3\nnrows 1", "ncols 7\nnrows 6")
    for name, values in layers.items():
        (tmp_path / f"{name}.asc").write_text(
            header + "\n".join(" ".join(map(str, row)) for row in values) + "\n"
        )
    ini = tmp_path / "problem.ini"
    ini.write_bytes(OMNISCAPE.replace("\n", ending).encode())
    assert exit_code(["omniscape", str(ini)]) == 0
    maps = {p.stem: np.loadtxt(p, skiprows=6) for p in (tmp_path / "results").glob("*.asc")}
    current, potential = windows.run(
        1 / layers["resistance"],
        layers["source"].astype(float),
        radius=2,
        buffer=0,
        block=1,
        neighbours=8,
        correct=True,
    )
    np.testing.assert_allclose(maps["cum_currmap"], current, rtol=1e-8)
    np.testing.assert_allclose(maps["normalized_cum_currmap"], current / potential, rtol=1e-8)
