"""Which kernels the first ranking and the first run of a project compile, with the types that they are called with, in that order.

A line is a kernel and its types: a letter and a number of dimensions for an array (F float64, I int64, S int32, H int16, U uint8, B bool; ``r`` behind it
for one that is only read), a small letter for a number (f float64, i int64, b bool), brackets for a tuple, E for the edges of a grid.
``python benchmarks/first_call.py rank demo --kinds`` writes the lines anew; a test compares those of the ranking with what is compiled.
The last of the ranking is compiled within ``dissection.eliminate``, the dearest: behind all others, it is what the second process begins with.
"""

from __future__ import annotations

import re
from typing import Any, Final

from numba import types

from permeability.engines.kernels.trace import EdgeModel

__all__ = ["JOBS", "types_of"]

RANK: Final = """
cuts._scan I2 I2 I1 I1 F1 F1 F1 F1 i i i i I1 I1 i b (I1 U1 I1 F1 F1)
cuts.cancel_wiggles I1 U1 I1 F1 f
trace.count_cells F2r
shortest.relax_grid F2r F2 I1 i f f f I1 U1 H1 H1 F1 I1 f
dissection.number_nodes F2 F2 F2 F2 F2 S1
dissection.elimination_box i i S2 S2 S1
dissection.plan i i S2 S2 S1 S1
dissection.plan_cost S2 I1 I1
dissection.eliminate i i S2 S2 S1 I1 I1 I1 I1 F2 F2 F2 F2 S1 I1 F1 F1 F1 F1 S1 F1 F1 F1 I1
dissection.probe_all i
gains.dense_components F2
gains.step_front F2 I1 i I1 I1 F1 F2 I1
gains.mirror F2
gains.small_resistances F2
gains.changed_edges I1 F1 F1 I1 I1 I1 F1
multigrid_components.component_roots F2 F2 F2 F2 S2
current.true_residual F2 F2 F2 F2 F2 F2 F2 F2
field_update.update_field F2 I1 F1 I1 I1 F1 B1 i f
gains.gather F2 I1 I1 I1
gains.opened_resistances F2 I1 I1 I1 I1 F1 F2
pivots.reduce_front F2 F2 F1 F1 F1
"""
PROJECT: Final = """
box_cuts._best_tree S2 b2 i
dissection.forward i i S1 I1 I1 I1 F1 I1 F2
dissection.backward i i S1 I1 I1 I1 F1 I1 F2
current.accumulate_pairs F2 F2 F2 F2 F3 I1 I1 S2 F2 F2 F2
fronts.edge_leaves I1 I1 i S2 S2
fronts.live_boxes S2 S2 S1 S1 I1 i i i
fronts.split_cost S2 S1 I1 I1 B1
fronts.first_beneath S2
gains.opened_by_each F2 I1 I1 I1 F2 I1 I1 I1 F1 F1 I1 I1 I1 F1
once.eliminate_once U1 I1 F1 I1 F1 S2 S2 S1 I1 I1 I1 I1 F2 F2 F2 F2 S1 F1 S1 F1 F1
fronts.pack_front F2 F2 F1
fronts.local_places I1 I1 I1 S1 I1 I1
fronts.grid_parts F2 F2 F2 F2 S1 I1
fronts.run_state I1 S2 S1 I1 I1 I1 B1 I1 F1 I1 F1 F1 F1 S1 I1 I1 I1 F1 I1 I2 F1 I1
fronts.opened_by_each_layered I1 I1 I1 F1 F1 I1 I1 I1 F1 b I1 I1 I1 I1 F2 I1 I2 F1 I1 F2 F2 F2 F2
"""
NUMBERS: Final[dict[str, Any]] = {
    "f": types.float64, "i": types.int64, "s": types.int32, "h": types.int16, "u": types.uint8, "b": types.boolean,
}  # fmt: skip


def types_of(text: str) -> tuple[Any, ...]:
    """Types that a line names.

    Parameters
    ----------
    text : str

    Returns
    -------
    tuple
        Numba's types.

    Examples
    --------
    >>> types_of("F2r (I1 b) f")
    (Array(float64, 2, 'C', True, aligned=True), Tuple((Array(int64, 1, 'C', False, aligned=True), bool)), float64)
    """
    found: list[list[Any]] = [[]]
    for word in re.findall(r"[()]|[^\s()]+", text):
        if word == "(":
            found.append([])
        elif word == ")":
            inner = found.pop()
            found[-1].append(types.Tuple(inner))
        else:
            found[-1].append(_type(word))
    return tuple(found[0])


def _type(word: str) -> Any:
    if word == "E":
        return types.NamedTuple(types_of("F2r i F1 F3r I1 U1 F1 I1 b"), EdgeModel)
    if len(word) == 1:
        return NUMBERS[word]
    return types.Array(NUMBERS[word[0].lower()], int(word[1]), "C", readonly=word.endswith("r"))


def _kinds(text: str) -> list[tuple[str, tuple[Any, ...]]]:
    rows = (line.strip().partition(" ") for line in text.splitlines() if line.strip())
    return [(name, types_of(rest)) for name, _, rest in rows]


JOBS: Final = {"rank": lambda: _kinds(RANK), "project": lambda: _kinds(RANK + PROJECT)}
