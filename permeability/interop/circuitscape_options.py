"""The options of Circuitscape 4 and 5 problem files: vocabulary, defaults, what has no effect here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from permeability.interop.ini import Ini

SCENARIOS = ("pairwise", "advanced", "one-to-all", "all-to-one")
SCENARIO_ALIASES = {"one_to_all": "one-to-all", "all_to_one": "all-to-one"}
DATA_TYPES = ("raster", "network")
CONFLICTS = {
    "keepall": "keep_all",
    "rmvsrc": "remove_source",
    "rmvgnd": "remove_ground",
    "rmvall": "remove_all",
}
SOLVERS = ("cg+amg", "cholmod", "pardiso", "accelerate")
SOLVER_ALIASES = {
    "amg+cg": "cg+amg",
    "cholesky": "cholmod",
    "cholfact": "cholmod",
    "mklpardiso": "pardiso",
    "apple_accelerate": "accelerate",
}
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "WARN", "ERROR", "CRITICAL", "FATAL", "NONE")

# Defaults of Circuitscape 5 for options that are not written.
FLAGS: Mapping[str, bool] = {
    "habitat_map_is_resistances": True,
    "connect_four_neighbors_only": False,
    "connect_using_avg_resistances": False,
    "use_polygons": False,
    "ground_file_is_resistances": True,
    "use_unit_currents": False,
    "use_direct_grounds": False,
    "use_included_pairs": False,
    "use_variable_source_strengths": False,
    "use_mask": False,
    "use_reclass_table": False,
    "write_cur_maps": False,
    "write_volt_maps": False,
    "write_cum_cur_map_only": False,
    "write_max_cur_maps": False,
    "set_null_currents_to_nodata": False,
    "set_null_voltages_to_nodata": False,
    "set_focal_node_currents_to_zero": False,
    "compress_grids": False,
    "log_transform_maps": False,
    "write_as_tif": False,
}
FILES = (
    "habitat_file",
    "point_file",
    "polygon_file",
    "mask_file",
    "reclass_file",
    "source_file",
    "ground_file",
    "included_pairs_file",
    "variable_source_file",
    "output_file",
)
# Options of speed, memory, logging and old versions: read, checked, without effect on any result.
QUIET_FLAGS: Mapping[str, bool] = {
    "low_memory_mode": False,
    "preemptive_memory_release": False,
    "parallelize": False,
    "print_timings": False,
    "print_rusages": False,
    "use_64bit_indexing": True,
    "screenprint_log": False,
    "suppress_messages": False,
    "point_file_contains_polygons": False,
}
OTHERS = (
    "version",
    "data_type",
    "scenario",
    "remove_src_or_gnd",
    "solver",
    "precision",
    "max_parallel",
    "cholmod_batch_size",
    "residual_tolerance",
    "log_file",
    "log_level",
    "profiler_log_file",
)
VOCABULARY = frozenset((*FLAGS, *FILES, *QUIET_FLAGS, *OTHERS))

ADVANCED_ONLY = ("use_unit_currents", "use_direct_grounds")
RASTER_ONLY = {"use_polygons": "short-circuit regions", "use_mask": "a mask", "use_reclass_table": "a table"}


@dataclass(frozen=True)
class Settings:
    """Checked options of a problem file.

    Attributes
    ----------
    data_type : {"raster", "network"}
    scenario : {"pairwise", "advanced", "one-to-all", "all-to-one"}
    flags : mapping
        Every option that is on or off, by its name in the file.
    conflicts : {"keep_all", "remove_source", "remove_ground", "remove_all"}
    solver : str
        As written; all solvers here meet the same residual.
    rtol : float
        Residual asked for.
    """

    data_type: str
    scenario: str
    flags: Mapping[str, bool]
    conflicts: str
    solver: str
    rtol: float

    def on(self, flag: str) -> bool:
        """Whether an option is on."""
        return self.flags[flag]

    @property
    def is_raster(self) -> bool:
        """Whether the habitat is a raster."""
        return self.data_type == "raster"

    @property
    def current_maps(self) -> bool:
        """Whether single current maps are written.

        As in Circuitscape ``write_cum_cur_map_only`` suppresses them in raster pairwise mode alone.
        """
        only = self.on("write_cum_cur_map_only")
        if self.is_raster and self.scenario == "pairwise":
            return self.on("write_cur_maps") and not only
        return self.on("write_cur_maps") or only

    @property
    def cumulative_map(self) -> bool:
        """Whether the cumulative current map is written."""
        return self.on("write_cur_maps") or self.on("write_cum_cur_map_only")


def read_settings(ini: Ini, *, rtol: float = 1e-10, ignore_unknown: bool = False) -> Settings:
    """Check every option of a Circuitscape problem file; problems go to ``ini.findings``.

    Parameters
    ----------
    ini : Ini
    rtol : float
        Residual when the file asks for none that is tighter.
    ignore_unknown : bool
        Options that are not known are warnings.

    Returns
    -------
    Settings
        Defaults of Circuitscape 5 stand where an option is missing or wrong.
    """
    ini.refuse_unknown(VOCABULARY, ignore=ignore_unknown)
    data_type = ini.choice("data_type", DATA_TYPES, "raster") or "raster"
    scenario = ini.choice("scenario", SCENARIOS, None, aliases=SCENARIO_ALIASES) or "pairwise"
    flags = {name: ini.boolean(name, default) for name, default in FLAGS.items()}
    written = ini.choice("remove_src_or_gnd", tuple(CONFLICTS), "keepall") or "keepall"
    solver = ini.choice("solver", SOLVERS, "cg+amg", aliases=SOLVER_ALIASES) or "cg+amg"
    settings = Settings(data_type, scenario, flags, CONFLICTS[written], solver, min(rtol, _tolerance(ini)))
    _quiet(ini)
    _misplaced(ini, settings)
    _unwritten(ini, settings)
    return settings


def _tolerance(ini: Ini) -> float:
    value = ini.raw("residual_tolerance")
    if value is None or value.lower() in ("auto", "none", ""):
        return 1.0
    return ini.number("residual_tolerance", 1.0, minimum=1e-14, maximum=1.0) or 1.0


def _quiet(ini: Ini) -> None:
    """Check the options of speed and logging, and note those that are set."""
    told = [name for name, default in QUIET_FLAGS.items() if ini.boolean(name, default) != default]
    ini.number("max_parallel", 0, minimum=0, integer=True)
    ini.number("cholmod_batch_size", 1000, minimum=1, integer=True)
    ini.choice("log_level", LOG_LEVELS, "INFO")
    if ini.choice("precision", ("double", "single"), "double") == "single":
        told.append("precision")
    told += [name for name in ("log_file", "profiler_log_file") if ini.has(name)]
    for name in told:
        ini.add(
            "X12",
            f"{name} = {ini.raw(name)} changes no result here: one process, double precision, "
            "messages to the terminal.",
            "nothing to do",
            key=name,
            severity="note",
        )


def _misplaced(ini: Ini, settings: Settings) -> None:
    """Options that are on where they can do nothing."""
    raster, advanced = settings.is_raster, settings.scenario == "advanced"
    if not raster and settings.scenario in ("one-to-all", "all-to-one"):
        ini.add(
            "X09",
            f"scenario = {settings.scenario} exists for rasters only, data_type is network.",
            "use scenario = pairwise or advanced",
            key="scenario",
        )
    for name, what in RASTER_ONLY.items():
        if settings.on(name) and not raster:
            ini.add(
                "X09", f"{name} is on, but a network cannot have {what}.", f"set {name} = False", key=name
            )
    if settings.on("use_included_pairs") and advanced:
        _idle(ini, "use_included_pairs", "advanced mode has no pairs")
    if settings.on("use_variable_source_strengths") and settings.scenario in ("pairwise", "advanced"):
        _idle(ini, "use_variable_source_strengths", f"{settings.scenario} mode has no such strengths")
    for name in ADVANCED_ONLY:
        if settings.on(name) and not advanced:
            _idle(ini, name, "it belongs to advanced mode")
    if not (raster and settings.scenario == "pairwise"):
        for name in ("log_transform_maps", "set_null_currents_to_nodata", "set_null_voltages_to_nodata"):
            if settings.on(name):
                _idle(ini, name, "it applies to raster pairwise mode only, as in Circuitscape 5")
        if settings.on("write_cum_cur_map_only") and not advanced:
            _idle(ini, "write_cum_cur_map_only", "single maps are suppressed in raster pairwise mode only")
    if settings.on("set_focal_node_currents_to_zero") and (advanced or not raster):
        _idle(ini, "set_focal_node_currents_to_zero", "there are no focal nodes on a raster")
    if settings.on("write_max_cur_maps") and (advanced or not raster):
        _idle(ini, "write_max_cur_maps", "there are no maps to take the maximum of")


def _idle(ini: Ini, name: str, why: str) -> None:
    ini.add(
        "X09",
        f"{name} = True has no effect: {why}.",
        f"set {name} = False to silence this",
        key=name,
        severity="warning",
    )


def _unwritten(ini: Ini, settings: Settings) -> None:
    """Defaults that decide on the network are told."""
    if not settings.is_raster:
        return
    missing = [
        k for k in ("connect_four_neighbors_only", "connect_using_avg_resistances") if ini.raw(k) is None
    ]
    if missing:
        ini.add(
            "X12",
            f"{' and '.join(missing)} not written: the defaults of Circuitscape 5 stand (8 neighbours, mean "
            "conductance).",
            "write the options to be sure",
            severity="note",
        )
