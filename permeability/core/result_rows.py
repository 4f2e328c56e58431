"""Results that are a table: how many rows, one after the other, and a row by what one asks for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pandas as pd

from permeability.core.display import Face
from permeability.core.guesses import suggestion

__all__ = ["Rows"]


class Rows(Face):
    """Base of the results whose main table has a row for each thing that one asks for.

    A class says in ``_asked`` which columns name a row (two for a pair, which is found in either order) and in ``_main`` which
    table it is.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> change = pm.compare(land, patches, pm.Scenario("no fence").drop("F"))
    >>> isinstance(change, Rows), len(change) > 5, bool(change["pairs_apart"]["after"] == 0)
    (True, True, True)
    >>> bool(change.indexed.loc["pairs_apart", "before"] == 1)
    True
    """

    _main: ClassVar[str] = "table"
    _asked: ClassVar[tuple[str, ...]] = ("id",)

    def __len__(self) -> int:
        return len(getattr(self, self._main))

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[pd.Series]:
        """The rows of the table, in its order."""
        return (row for _, row in getattr(self, self._main).iterrows())

    def __getitem__(self, which: Any) -> pd.Series:
        """A row by its place (0 = the first), by its name, or by a pair of names in either order."""
        table, asked = getattr(self, self._main), self._asked
        if isinstance(which, (int, slice)) and not isinstance(which, bool) and len(asked) == 1:
            return table.iloc[which]
        wanted = which if isinstance(which, tuple) else (which,)
        if len(wanted) == len(asked):
            found = table.iloc[_places(table, asked, wanted)]
            if len(found):
                return found.iloc[0]
        known = list(dict.fromkeys(str(v) for c in asked for v in table[c]))
        wrong = next((str(w) for w in wanted if str(w) not in known), None)
        told = f" Give {' and '.join(asked)}." if wrong is None else suggestion(wrong, known)
        raise KeyError(f"{which!r}.{told or ' Names of rows stand in .indexed.index.'}")

    def __contains__(self, which: Any) -> bool:
        """Whether there is a row of this name, or of this pair of names."""
        wanted = which if isinstance(which, tuple) else (which,)
        table = getattr(self, self._main)
        return len(wanted) == len(self._asked) and bool(_places(table, self._asked, wanted))

    @property
    def indexed(self) -> pd.DataFrame:
        """The main table with its rows under what one asks for, for ``.loc``."""
        return getattr(self, self._main).set_index(
            list(self._asked) if len(self._asked) > 1 else self._asked[0]
        )


def _places(table: pd.DataFrame, asked: tuple[str, ...], wanted: tuple[Any, ...]) -> list[int]:
    """Rows whose names are those wanted, in either order where there are two; numbers by their value."""
    names = zip(*(table[c] for c in asked), strict=True)
    orders = (wanted, wanted[::-1])
    return [i for i, row in enumerate(names) if any(all(n == w for n, w in zip(row, o)) for o in orders)]
