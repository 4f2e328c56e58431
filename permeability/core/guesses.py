"""First guesses answered: names that people bring along from other libraries, and what they are called here."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ParamSpec, TypeVar

from permeability.core.errors import OptionError, nearest

P = ParamSpec("P")
R = TypeVar("R")

__all__ = ["no_such_name", "refuse_keywords", "require_call", "suggestion", "suggests_keywords"]

MODULE: Mapping[str, str] = {
    "least_cost_path": "pm.connectivity(...).paths(...), or pm.leastcost.trace_path for arrays",
    "least_cost_paths": "pm.leastcost.trace_path for arrays",
    "cost_distance": "pm.leastcost.cost_distance",
    "cost_allocation": "pm.leastcost.cost_allocation",
    "current_map": "pm.connectivity(land, patches).current",
    "current": "pm.connectivity(land, patches).current",
    "pairwise": "pm.circuit.pairwise",
    "corridor": "pm.corridors.least_cost_corridors",
    "least_cost_corridors": "pm.corridors.least_cost_corridors",
    "read_raster": "pm.io.read_raster",
    "read_vector": "pm.io.read_vector",
    "read_file": "pm.read_barriers, or pm.io.read_vector",
    "read_project": "pm.open_project",
    "load_project": "pm.open_project",
    "run": "pm.run_project",
    "demo": "`permeability demo` in a terminal, or pm.run_project(pm.sample_folder() / 'project.toml')",
    "data": "pm.samples, and pm.sample_folder()",
    "datasets": "pm.samples, and pm.sample_folder()",
    "plot": "the method plot() of every result",
    "resistance": "pm.build_landscape (its resistance is .resistance)",
    "Resistance": "pm.build_landscape (its resistance is .resistance)",
    "resistance_surface": "land.resistance_raster(), with land from pm.build_landscape",
    "Barriers": "pm.read_barriers",
    "barrier": "pm.read_barriers",
    "list_species": "pm.species_list",
    "optimize": "pm.portfolio",
    "optimise": "pm.portfolio",
    "rank_sites": "pm.rank",
    "rank_barriers": "pm.rank, and pm.barrier_impact for what every line takes",
    "scenario": "pm.Scenario",
    "impact": "pm.barrier_impact",
    "report": "pm.write_report",
    "versions": "pm.show_versions",
    "prioritize": "pm.rank, and pm.portfolio for a budget",
    "prioritise": "pm.rank, and pm.portfolio for a budget",
    "sections": "pm.candidates",
    "fences": "pm.read_barriers",
    "load": "pm.open_project for a project, pm.read_barriers for lines",
    "read": "pm.io.read_raster, pm.io.read_vector, pm.read_barriers",
    "help": "help() of any function, such as pm.rank",
    # gdistance
    "transition": "pm.build_landscape, or plain arrays for pm.leastcost and pm.circuit",
    "costDistance": "pm.leastcost.cost_distance",
    "accCost": "pm.leastcost.cost_distance",
    "accumulated_cost": "pm.leastcost.cost_distance",
    "least_cost_distance": "pm.leastcost.cost_distance",
    "shortestPath": "pm.leastcost.trace_path",
    "shortest_path": "pm.leastcost.trace_path",
    "cost_path": "pm.leastcost.trace_path",
    "commuteDistance": "pm.circuit.pairwise",
    "commute_distance": "pm.circuit.pairwise",
    "resistance_distance": "pm.circuit.pairwise",
    "passage": "pm.movement_chain(...).passage",
    # Circuitscape and its kin
    "Circuitscape": "`permeability circuitscape problem.ini` in a terminal, or pm.circuit.pairwise for arrays",
    "circuitscape": "`permeability circuitscape problem.ini` in a terminal, or pm.circuit.pairwise for arrays",
    "advanced": "`permeability circuitscape problem.ini` in a terminal, or pm.circuit for arrays",
    "one_to_all": "`permeability circuitscape problem.ini` in a terminal, or pm.circuit for arrays",
    "all_to_one": "`permeability circuitscape problem.ini` in a terminal, or pm.circuit for arrays",
    "Omniscape": "`permeability omniscape problem.ini` in a terminal, or pm.omnidirectional for arrays",
    "omniscape": "`permeability omniscape problem.ini` in a terminal, or pm.omnidirectional for arrays",
    "run_omniscape": "`permeability omniscape problem.ini` in a terminal, or pm.omnidirectional for arrays",
    "linkage_mapper": "pm.corridors.least_cost_corridors",
    "linkages": "pm.corridors.least_cost_corridors",
    "graphab": "pm.network, and pm.metrics for its indices",
    "habitat_network": "pm.network",
    "conScape": "pm.movement_chain",
    "ConScape": "pm.movement_chain",
    "rsp": "pm.movement_chain",
    "gap_analysis": "pm.protconn",
    "patches": "pm.place_patches",
}
"""Guesses at the front door -> what does it."""

KEYWORDS: Mapping[str, str] = {
    "resolution": "cell_size",
    "res": "cell_size",
    "cellsize": "cell_size",
    "budget": "budget_usd",
    "n_draws": "draws",
    "n": "draws",
    "seed": "rng",
    "random_state": "rng",
    "length_km": "length_m (in metres)",
    "length": "length_m (in metres)",
    "radius_km": "radius (in cells)",
    "radius_m": "radius (in cells)",
    "n_jobs": "workers",
    "range": "inside",
    "mask": "inside",
    "colormap": "cmap",
    "column": "show",
    "kind": "show",
    "what": "show",
    "lang": "language",
}
"""Keyword guesses -> keyword, where the function has it."""


def suggestion(name: str, known: Iterable[str], said: Mapping[str, str] = {}) -> str:
    """``" Did you mean ...?"`` for a name that is not there, or nothing.

    Parameters
    ----------
    name : str
    known : iterable of str
        Names that are there.
    said : mapping
        Guesses and what they are called here.

    Returns
    -------
    str

    Examples
    --------
    >>> suggestion("conectivity", ["connectivity", "compare"])
    " Did you mean 'connectivity'?"
    >>> suggestion("least_cost", [], {"least_cost": "pm.leastcost"})
    ' Did you mean pm.leastcost?'
    >>> suggestion("qqq", ["connectivity"])
    ''
    """
    if name in said:
        return f" Did you mean {said[name]}?"
    near = nearest(name, known)
    return f" Did you mean {near!r}?" if near is not None else ""


def no_such_name(owner: str, name: str, known: Iterable[str], said: Mapping[str, str] = {}) -> AttributeError:
    """The error for a name that is not there, with what was probably meant.

    Parameters
    ----------
    owner : str
        Such as ``"module 'permeability'"``.
    name : str
    known : iterable of str
    said : mapping

    Returns
    -------
    AttributeError

    Examples
    --------
    >>> no_such_name("module 'permeability'", "rnak", ["rank"])
    AttributeError("module 'permeability' has no attribute 'rnak'. Did you mean 'rank'?")
    """
    told = f"{owner} has no attribute {name!r}.{suggestion(name, known, said)}"
    return AttributeError(told, name=name, obj=object())  # else Python would add what it means itself


def suggests_keywords(function: Callable[P, R]) -> Callable[P, R]:
    """Answer a keyword that a function does not have with the one that was probably meant.

    Parameters
    ----------
    function : callable
        Without ``**kwargs``.

    Raises
    ------
    OptionError
        A07 when it is called with a keyword it does not have.

    Examples
    --------
    >>> @suggests_keywords
    ... def area(*, cell_size):
    ...     return cell_size**2
    >>> area(resolution=3)
    Traceback (most recent call last):
    ...
    permeability.core.errors.OptionError: OptionError [A07]: ...
    """
    signature = inspect.signature(function)

    @functools.wraps(function)
    def held(*args: P.args, **kwargs: P.kwargs) -> R:
        require_call(function.__name__, signature, args, kwargs)
        return function(*args, **kwargs)

    return held


def refuse_keywords(name: str, given: Iterable[str], parameters: Mapping[str, Any]) -> None:
    """Refuse keywords that a function does not have (A07); nothing where it takes any.

    Parameters
    ----------
    name : str
        Of the function.
    given : iterable of str
    parameters : mapping
        Of its signature.

    Raises
    ------
    OptionError
        A07.
    """
    wrong = [k for k in given if k not in parameters]
    free = inspect.Parameter.VAR_KEYWORD
    if not wrong or any(getattr(p, "kind", None) is free for p in parameters.values()):
        return
    known = [k for k in parameters if not k.startswith("_")]
    said = {k: v for k, v in KEYWORDS.items() if v.split(" ")[0] in parameters}
    hints = "".join(dict.fromkeys(suggestion(k, known, said) for k in wrong)).strip()
    raise OptionError(
        "A07",
        f"{name}() has no keyword {', '.join(map(repr, wrong))}.",
        remedy=hints or f"it has {', '.join(known)}",
    )


def require_call(
    name: str, signature: inspect.Signature, args: tuple[Any, ...], kwargs: Mapping[str, Any], more: str = ""
) -> None:
    """Refuse a call that does not fit a function, with how it is called.

    Parameters
    ----------
    name : str
        Of the function.
    signature : inspect.Signature
    args, kwargs
        As given.
    more : str
        Added to the remedy.

    Raises
    ------
    OptionError
        A07 keywords that the function does not have, A09 something that is missing or too much.
    """
    refuse_keywords(name, kwargs, signature.parameters)
    try:
        signature.bind(*args, **kwargs)
    except TypeError as wrong:
        places = signature.parameters.values()
        needed = [
            p.name
            for p in places
            if p.default is p.empty and p.kind is not p.VAR_KEYWORD and p.name not in ("self", "cls")
        ]
        named = [f"{p.name}=" if p.kind is p.KEYWORD_ONLY else p.name for p in places if p.name in needed]
        raise OptionError(
            "A09", f"{name}(): {wrong}.", remedy=f"call {name}({', '.join(named)}, ...){more}"
        ) from None
