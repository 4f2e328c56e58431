"""What public functions take: a Landscape, Patches and a range, held against their kind before anything is computed."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numpy as np

from permeability.barriers.scenario import Scenario
from permeability.core.errors import OptionError
from permeability.core.guesses import require_call
from permeability.landscape.landscape import Landscape
from permeability.landscape.patches import Patches
from permeability.layers.arrays_on_grid import on_grid, require_same_grid

P = ParamSpec("P")
R = TypeVar("R")

MAKE = {
    "land": (
        Landscape,
        "a Landscape",
        "take it from a project: pm.open_project(path).landscape(species), or make it: pm.build_landscape(resistance, barriers, species)",
    ),
    "patches": (
        Patches,
        "a set of Patches",
        "take them from a project (pm.open_project(path).patches(species)), or place a table on the landscape: pm.place_patches(table, land)",
    ),
    "scenario": (Scenario, "a Scenario", 'write one: pm.Scenario("name", (pm.Intervention(...),))'),
}


def takes_landscape(function: Callable[P, R]) -> Callable[P, R]:
    """Refuse a wrong kind of ``land``, ``patches``, ``scenario`` or ``inside`` of a public function.

    A range (``inside``) may be a DataArray on the grid of the landscape; it is turned as the landscape lies.

    Parameters
    ----------
    function : callable
        With parameters of these names.

    Raises
    ------
    OptionError
        A05 for another kind, A06 for a range that is no mask of this landscape.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> pm.connectivity(land.to_xarray(land.resistance, "r"), patches)
    Traceback (most recent call last):
    ...
    permeability.core.errors.OptionError: OptionError [A05]: ...
    """
    signature = inspect.signature(function)

    @functools.wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        require_call(function.__name__, signature, args, kwargs, _lines(signature, args))
        given = signature.bind(*args, **kwargs)
        for name, value in given.arguments.items():
            if name in MAKE:
                _require(name, value)
        land = given.arguments.get("land")
        if isinstance(given.arguments.get("patches"), Patches) and land is not None:
            require_same_grid(land.grid, given.arguments["patches"].grid, name="patches")
        if given.arguments.get("inside") is not None and land is not None:
            given.arguments["inside"] = _mask(given.arguments["inside"], land)
        return function(*given.args, **given.kwargs)

    return checked


def _lines(signature: inspect.Signature, args: tuple[Any, ...]) -> str:
    """The lines of a landscape, for a call that lacks one."""
    line = signature.parameters.get("line")
    if line is None or line.default is not line.empty or len(args) != 1 or not isinstance(args[0], Landscape):
        return ""
    return f"; the lines of this landscape are {', '.join(map(repr, args[0].barriers.lines))}"


def _require(name: str, value: Any) -> None:
    kind, words, how = MAKE[name]
    if not isinstance(value, kind):
        raise OptionError("A05", f"a {type(value).__name__} is not {words}.", remedy=how)


def _mask(inside: Any, land: Landscape) -> Any:
    """The range as a bool array on the cells of the landscape."""
    if hasattr(inside, "geometry") or hasattr(inside, "iloc"):
        raise OptionError(
            "A06", f"a {type(inside).__name__} is no mask of cells.",
            remedy="bring the areas onto the grid: area_mask(table, land.grid), or pm.open_project(path).range_mask(species)",
        )  # fmt: skip
    values = np.asarray(on_grid(inside, land.grid, name="inside"))
    if values.shape != land.grid.shape or values.dtype.kind not in "biuf":
        raise OptionError(
            "A06", f"a range of shape {values.shape} and type {values.dtype} is no mask of {land.grid.shape[0]} x {land.grid.shape[1]} cells.",
            remedy="give True and False for every cell of the landscape",
        )  # fmt: skip
    return values if values.dtype == bool else np.nan_to_num(values.astype(float)) != 0
