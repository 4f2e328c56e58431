"""``board.json`` of a result folder: the small networks with which the board re-solves any set of candidates.

It is written by the run and not by ``permeability board``, because only the run holds the landscape it has ranked: the board then shows the
numbers of that run, also when the project's layers have moved on or lie elsewhere.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from permeability.barriers.scenario import Intervention
from permeability.core.errors import PermeabilityError
from permeability.core.tasks import in_threads
from permeability.engines.circuit.interface.compressed import CompressedInterface
from permeability.engines.circuit.interface.meeting import Ways
from permeability.planning.joined_pieces import JoinedPieces
from permeability.planning.joint_gains import exclusive_pairs
from permeability.planning.set_networks import TOLERANCE, SetNetwork, set_networks
from permeability.ranking.candidate_sites import Candidate
from permeability.ranking.ranking import Ranking

__all__ = ["VERSION", "board_data"]

VERSION = 2
FEW_NODES = 3000  # interface nodes up to which today's network is inverted in passing, about a second


def board_data(
    rankings: Mapping[str, Ranking], *, tolerance: float = TOLERANCE, workers: int = 1
) -> dict[str, Any]:
    """What ``board.json`` holds.

    Parameters
    ----------
    rankings : mapping
        Species -> ranking.
    tolerance : float
        Largest relative error of the gain of any set that is worked out both ways.
    workers : int
        Species worked on side by side; what is found does not depend on it.

    Returns
    -------
    dict
        ``version``; per species ``candidates`` (id and the steps as TOML, ``steps`` None for one that a scenario cannot say),
        ``apart`` (pairs that exclude each other), ``levels`` (low, best, high: a network each) or, where there is none, ``why``.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> data = board_data({"khulan": pm.rank(land, patches, pm.candidates(land, "F", length_m=4000))})
    >>> mine = data["species"]["khulan"]
    >>> list(mine["levels"]), mine["candidates"][0]["id"]
    (['best'], 'F km 0-4')
    >>> print(mine["candidates"][0]["steps"])
    [[scenarios.steps]]
    action = "remove"
    line = "F"
    km = [0.0, 4.0]
    <BLANKLINE>
    """
    with threadpool_limits(
        limits=1, user_api="blas"
    ):  # small dense blocks, and the same bytes on every machine's threads
        found = in_threads(lambda r: _species(r, tolerance), list(rankings.values()), workers)
    return {"version": VERSION, "tolerance": tolerance, "species": dict(zip(rankings, found))}


def _species(ranking: Ranking, tolerance: float) -> dict[str, Any]:
    found: dict[str, Any] = {
        "candidates": [{"id": s.id, "steps": steps_toml(s)} for s in ranking.sites],
        "apart": [list(p) for p in exclusive_pairs(ranking.sites)],
        "levels": {},
    }
    nodes = len(ranking.engine.view.face.side)
    if nodes > FEW_NODES:
        return found | {
            "why": f"the network has {nodes:,} nodes; up to {FEW_NODES:,} are made small in passing"
        }
    try:
        networks = set_networks(ranking, tolerance=tolerance)
    except PermeabilityError as error:  # a run is not lost for its board
        return found | {"why": f"[{error.code}] {error.what}"}
    except np.linalg.LinAlgError as error:
        return found | {"why": f"the network cannot be factorised: {error}"}
    return found | {"levels": {level: _network(n) for level, n in networks.items()}}


def _network(network: SetNetwork) -> dict[str, Any]:
    return {
        "draw": network.draw, "scale": network.scale, **_small(network.small), "pieces": _pieces(network.pieces),
    }  # fmt: skip


def _small(small: CompressedInterface) -> dict[str, Any]:
    """The compressed network; of the coupling the upper triangle, row by row, without the diagonal."""
    upper = np.triu_indices(small.modes, 1)
    return {
        "error": small.error, "checked": small.checked, "modes": small.modes,
        "blocks": [
            {**_ways(b.ways), "first": b.first, "size": b.size,
             "response": packed(b.response), "joins": [j.tolist() for j in b.joins]}
            for b in small.blocks
        ],
        "coupling": packed(small.coupling[upper]), "drops": packed(small.drops), "ends": packed(small.ends),
        "focal": packed(small.focal), "part": small.part_focal.tolist(), "today": packed(small.today), "weights": packed(small.weights),
    }  # fmt: skip


def _pieces(pieces: JoinedPieces) -> dict[str, Any]:
    return {
        "area": pieces.area_km2.tolist(), "others": pieces.others_km2, "largest": pieces.largest_other_km2,
        "home": pieces.home.tolist(), "drawn": pieces.drawn.tolist(),
        "joins": [{**_ways(j.ways), "pairs": [[list(p) for p in s] for s in j.pairs]} for j in pieces.joins],
    }  # fmt: skip


def _ways(ways: Ways) -> dict[str, Any]:
    """Candidates that meet, by their number in the list; states and covers as places in it."""
    place = {k: i for i, k in enumerate(ways.owners)}
    return {
        "owners": list(ways.owners), "states": [[place[k] for k in s] for s in ways.states],
        "covers": [[place[a], place[b]] for a, b in ways.covers],
    }  # fmt: skip


def packed(values: NDArray[np.float64]) -> dict[str, Any]:
    """An array as base64 of its little-endian numbers: single precision, without its last byte or with it, where that says the same, double else.

    >>> packed(np.array([[1.0, 2.0]])), packed(np.array([0.1]))["type"]
    ({'type': 'f3', 'shape': [1, 2], 'data': 'AIA/AABA'}, 'f8')
    """
    kind = "f4" if np.array_equal(values, values.astype(np.float32), equal_nan=True) else "f8"
    raw = np.ascontiguousarray(values, dtype=f"<{kind}").tobytes()
    if kind == "f4":
        rows = np.frombuffer(raw, np.uint8).reshape(-1, 4)
        if not rows[:, 0].any():
            kind, raw = "f3", rows[:, 1:].tobytes()
    return {"type": kind, "shape": list(values.shape), "data": base64.b64encode(raw).decode("ascii")}


def steps_toml(site: Candidate) -> str | None:
    """The interventions of a candidate as tables of a project file; None where a scenario has no word for one of them.

    >>> from permeability.core.estimate import Estimate
    >>> gap = Intervention("treat", "TMR", 950, 950, "underpass", width_m=40)
    >>> print(steps_toml(Candidate("a", "TMR", 950, 950, (gap,), Estimate.exact(1.0, "USD"))))
    [[scenarios.steps]]
    action = "treat"
    line = "TMR"
    km = 950.0
    treatment = "underpass"
    width_m = 40.0
    <BLANKLINE>
    """
    parts = [_step(i) for i in site.interventions]
    return None if any(p is None for p in parts) else "\n".join(str(p) for p in parts)


def _step(step: Intervention) -> str | None:
    if step.chance is not None or step.action not in ("remove", "treat", "drop"):
        return None
    keys: dict[str, Any] = {"action": step.action, "line": step.line}
    if math.isfinite(step.km_from) and math.isfinite(step.km_to):
        km = [float(step.km_from), float(step.km_to)]
        keys["km"] = km[0] if km[0] == km[1] else km
    if step.action == "treat":
        keys |= {
            "treatment": step.treatment,
            "width_m": None if step.width_m is None else float(step.width_m),
        }
        keys["options"] = dict(step.options) or None
    if step.components:
        keys["components"] = list(step.components)
    lines = [f"{k} = {toml_value(v)}" for k, v in keys.items() if v is not None]
    return "\n".join(["[[scenarios.steps]]", *lines, ""])


def toml_value(value: Any) -> str:
    r"""A value as TOML writes it.

    >>> toml_value('a"b\n'), toml_value([1.0, 2.5]), toml_value({"closed hours": "20-6"})
    ('"a\\"b\\n"', '[1.0, 2.5]', '{ "closed hours" = "20-6" }')
    """
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{toml_value(str(k))} = {toml_value(v)}" for k, v in value.items()) + " }"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Sequence):
        return "[" + ", ".join(toml_value(v) for v in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(float(value)) if isinstance(value, (float, np.floating)) else str(int(value))
