"""What no barrier changes, eliminated once: all boxes beneath the live ones, or those of them whose results are not known yet."""

from __future__ import annotations

import numpy as np

from permeability.engines.kernels import njit
from permeability.engines.kernels.dissection import eliminate
from permeability.engines.kernels.small_loops import copy_row

SKIP = 0  # a live box, or one beneath a result that is known
MAKE = 1
TAKE = 2  # the result of a box that is known


@njit(cache=True, nogil=True)
def eliminate_once(
    run, at, results, kept, cache, bounds, child, ids, start, size, n_out, offset, e, s, se, sw, node, stack, pos,
    rows_buffer, rest_buffer,
):  # fmt: skip
    """Work through the boxes by what ``run`` says of each; what live boxes ask for (``kept``) goes to ``cache``.

    ``at``: place of a box in ``results``, from where its result is taken or where it is laid down; -1 = neither.
    """
    none, nobody, zeros = np.empty(0), np.empty(0, np.int64), np.zeros(2, np.int64)
    for b in range(len(run)):
        if run[b] == SKIP:
            continue
        n = size[b] - n_out[b]
        much = n * (n + 1) // 2
        mine = stack[offset[b] : offset[b] + much]
        if run[b] == TAKE:
            copy_row(mine, results[at[b] : at[b] + much])
        else:
            eliminate(
                b, b + 1, bounds, child, ids, start, size, n_out, offset, e, s, se, sw, node, nobody, none, none, none,
                stack, pos, rows_buffer, rest_buffer, none, zeros,
            )  # fmt: skip
            if at[b] >= 0:
                copy_row(results[at[b] : at[b] + much], mine)
        if kept[b] >= 0:
            copy_row(cache[kept[b] : kept[b] + much], mine)
