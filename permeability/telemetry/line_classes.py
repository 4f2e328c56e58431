"""Lines of one kind together: the barrier class of a row, and groups of rows that are measured as one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from permeability.barriers.lines import Barriers
from permeability.core.errors import OptionError, nearest
from permeability.species.seasons import missing
from permeability.species.vocabulary import BARRIER_CLASSES

ROAD = "road"


def class_of(row: Mapping[str, Any], assume_fenced: str = "no") -> str:
    """Barrier class of a row as the species profiles name it; ``"road"`` for roads.

    Parameters
    ----------
    row : mapping
        Of the barrier table.
    assume_fenced : {"no", "yes"}
        What a railway is whose fence is not known.

    Returns
    -------
    str

    Examples
    --------
    >>> class_of({"kind": "fence", "fence_class": "border"}), class_of({"kind": "fence"}), class_of({"kind": "railway", "fenced": "yes"})
    ('border', 'stock', 'rail_barbed_both_sides')
    """
    stated = row.get("fence_class")
    named = None if missing(stated) or str(stated) not in BARRIER_CLASSES else str(stated)
    if row["kind"] == "road":
        return ROAD
    if row["kind"] == "fence":
        return named or "stock"
    fenced = "unknown" if missing(row.get("fenced")) else str(row["fenced"])
    if fenced in ("yes", "mostly") or (fenced == "unknown" and assume_fenced == "yes"):
        return named or "rail_barbed_both_sides"
    return "rail_unfenced"


def classes_of(table: Any) -> NDArray[np.object_]:
    """Barrier class of every row of a barrier table.

    Parameters
    ----------
    table : DataFrame

    Returns
    -------
    array of str, shape (rows,)

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> classes_of(land.barriers.table).tolist()
    ['border', 'border']
    """
    facts = table[["kind", "fence_class", "fenced"]].astype(object)
    told = [f"{a}|{b}|{c}" for a, b, c in facts.itertuples(index=False)]
    code, kinds = pd.factorize(np.asarray(told, dtype=object))
    first = np.unique(code, return_index=True)[1]
    words = [class_of(facts.iloc[i].to_dict()) for i in first]
    return np.asarray(words, dtype=object)[code] if len(kinds) else np.zeros(0, object)


def groups(barriers: Barriers, by: str = "class") -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Names of the groups, and the group of every row.

    Parameters
    ----------
    barriers : Barriers
    by : str
        ``"class"``, ``"all"``, or a column of the barrier table such as ``"line"`` or ``"kind"``.

    Returns
    -------
    names : tuple of str
    group : array of int, shape (rows,)

    Raises
    ------
    OptionError
        F21 for a column that is not there.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> groups(land.barriers, "line")[0]
    ('F', 'S')
    """
    table = barriers.table
    if by == "all":
        return ("all lines",), np.zeros(len(table), np.int64)
    if by == "class":
        words = classes_of(table).tolist()
    elif by in table.columns and by != "geometry":
        words = [str(v) for v in table[by]]
    else:
        guess = nearest(by, ["class", "all", *table.columns])
        raise OptionError(
            "F21", f"the lines cannot be grouped by {by!r}.",
            remedy=f"did you mean {guess!r}?" if guess else 'use "class", "all" or a column of the barriers',
        )  # fmt: skip
    code, names = pd.factorize(np.asarray(words, dtype=object))
    return tuple(map(str, names)), np.asarray(code, dtype=np.int64)
