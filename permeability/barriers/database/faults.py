"""Every fault of a barrier layer at once: row, column, value and remedy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from permeability.barriers.database.conforming import read_layer
from permeability.barriers.database.schema import Column, columns, json_schema
from permeability.core.errors import Finding, nearest
from permeability.species.seasons import missing

Rows = NDArray[np.bool_]
LABELS = ("name", "line", "note", "source")  # words of every layer, never a slip of a required column


def check(
    layer: gpd.GeoDataFrame, name: str = "barriers", *, label: str | None = None, to_run: bool = False
) -> list[Finding]:
    """All findings of a layer of the barrier database; an empty list means it can be used as it is.

    Parameters
    ----------
    layer : GeoDataFrame
        In any CRS.
    name : {"barriers", "structures", "posts"}
        Which schema it is meant to follow.
    label : str, optional
        What to call the layer in the findings (a file or layer name).
    to_run : bool
        Leave out what only matters to those who keep the layer: K12, and the notes K13 and K14.

    Returns
    -------
    list of Finding
        Errors first, then warnings, then notes.  ``rows`` hold the number of the row, from 1, with its id;
        ``details`` hold ``column`` and ``value``.  Codes: K01 column missing, K02 empty, K03 not a
        number, K04 not whole, K05 out of range, K06 not in the vocabulary, K07 not readable (date, hours,
        profile, heights), K08 duplicate id, K09 contradiction between columns, K10 geometry, K11 no CRS,
        K12 recommended value missing, K13 value that will be assumed, K14 column not in the schema, K15 no
        rows, K18 a column name that was completed, K19 one that may stand for several, K23 several geometry
        columns.

    Examples
    --------
    >>> from permeability.barriers.database import template_layers
    >>> [f for f in check(template_layers()["barriers"]) if f.severity == "error"]
    []
    """
    inspector = _Inspector(layer, name, label or name)
    inspector.run()
    order = {"error": 0, "warning": 1, "note": 2}
    found = sorted(inspector.findings, key=lambda f: order[f.severity])
    return [f for f in found if _matters(f)] if to_run else found


def _matters(finding: Finding) -> bool:
    """Whether a run needs to know: all but advice to the keepers of a layer."""
    if finding.code == "K13" and "no crossing rule" in finding.what:  # said when they are left out
        return False
    return finding.code != "K12" and (finding.severity != "note" or finding.code == "K18")


def check_text(findings: Sequence[Finding], label: str = "barriers") -> str:
    """Findings as lines for a terminal, with a last line that counts them.

    Parameters
    ----------
    findings : sequence of Finding
    label : str

    Returns
    -------
    str
        Lines for a terminal.

    Examples
    --------
    >>> print(check_text([], "fences"))
    fences: 0 errors, 0 warnings, 0 notes
    """
    counts = [sum(f.severity == s for f in findings) for s in ("error", "warning", "note")]
    words = ", ".join(f"{n} {w}{'' if n == 1 else 's'}" for n, w in zip(counts, ("error", "warning", "note")))
    return "\n".join([*(f.text() for f in findings), f"{label}: {words}"])


class _Inspector:
    """Collects findings; one method per kind of fault."""

    def __init__(self, layer: gpd.GeoDataFrame, name: str, label: str) -> None:
        self.name, self.label = name, label
        self.columns = columns(name)
        self.findings: list[Finding] = []
        self.raw, self.layer = layer, layer
        if len(layer):
            read = read_layer(layer, name, label=label)
            self.layer, self.unread = read.table, read.unread
            self.findings += read.findings
        ids = self.layer["id"] if "id" in self.layer else [None] * len(self.layer)
        self.rows = [f"{i} ({v})" if not missing(v) else str(i) for i, v in enumerate(ids, start=1)]

    def run(self) -> None:
        """All checks."""
        if len(self.layer) == 0:
            self.add(
                "K15", "the layer has no rows.", "fill it, or leave it out of the project", severity="error"
            )
            return
        self.geometry()
        for column in self.columns:
            if column.name not in self.layer:
                self.absent(column)
            else:
                self.column(column)
        if "id" in self.layer:
            ids = self.layer["id"].map(lambda v: None if missing(v) else str(v))
            self.by_value(
                "K08",
                "id",
                ids.duplicated(keep=False).to_numpy() & ids.notna().to_numpy(),
                "duplicate id",
                "give every row its own id",
            )
        if self.name == "barriers":
            self.barrier_rules()
        self.shared_rules()
        self.extra_columns()

    def add(
        self,
        code: str,
        what: str,
        remedy: str,
        *,
        rows: Iterable[str] = (),
        severity: str = "error",
        **details: Any,
    ) -> None:
        """One finding of this layer."""
        self.findings.append(Finding(code, what, remedy, self.label, tuple(rows), details, severity))

    def by_value(
        self,
        code: str,
        column: str,
        bad: Rows,
        what: str,
        remedy: str,
        severity: str = "error",
    ) -> None:
        """One finding for each different value among the bad rows of a column."""
        values = self.layer[column].to_numpy(dtype=object)
        groups: dict[str, list[int]] = {}
        for i in np.flatnonzero(bad):
            groups.setdefault(repr(values[i]), []).append(int(i))
        for rows in groups.values():
            value = values[rows[0]]
            shown = "(empty)" if missing(value) else value
            named = [self.rows[i] for i in rows]
            self.add(
                code, f"{column}: {what}.", remedy, rows=named, severity=severity, column=column, value=shown
            )

    def empty(self, column: str) -> Rows:
        """Rows in which a column of the layer is missing."""
        unclear = {r for f in self.findings if f.details.get("column") == column for r in f.rows}
        return np.array(
            [missing(v) and r not in unclear for v, r in zip(self.layer[column], self.rows)], dtype=bool
        )

    def numbers(self, column: str) -> NDArray[np.float64]:
        """A column as numbers, NaN where missing or not a number."""
        if column not in self.layer:
            return np.full(len(self.layer), np.nan)
        return np.asarray(self.layer[column], dtype=np.float64)

    def words(self, column: str) -> NDArray[np.object_]:
        """A column as text, empty where missing."""
        if column not in self.layer:
            return np.full(len(self.layer), "", dtype=object)
        return np.array(["" if missing(v) else str(v) for v in self.layer[column]], dtype=object)

    def geometry(self) -> None:
        """CRS, presence, type and length of the geometry."""
        if self.layer.crs is None:
            self.add(
                "K11",
                "the layer has no CRS.",
                "set the CRS it was drawn in; nothing is guessed",
                column="geometry",
            )
        shapes = self.layer.geometry
        allowed = json_schema(self.name)["x-geometry"]
        none = (shapes.isna() | shapes.is_empty).to_numpy()
        types = shapes.geom_type.to_numpy(dtype=object)
        self.shape("K10", none, "no geometry", "draw the row, or take it out")
        wrong = ~none & ~np.isin(types.astype(str), allowed)
        for kind in sorted(set(types[wrong])):
            self.shape(
                "K10",
                wrong & (types == kind),
                f"geometry is a {kind}",
                f"use {' or '.join(allowed[:2])}",
                kind,
            )
        with np.errstate(invalid="ignore"):
            bounds = shapes.bounds.to_numpy(dtype=np.float64)
        odd = ~none & ~np.isfinite(bounds).all(axis=1)
        self.shape("K10", odd, "coordinates are not finite", "draw the row again")
        if self.name == "barriers":
            flat = ~none & ~wrong & ~odd & (bounds[:, 0] == bounds[:, 2]) & (bounds[:, 1] == bounds[:, 3])
            self.shape("K10", flat, "the line has no length", "give it two different vertices")

    def shape(self, code: str, bad: Rows, what: str, remedy: str, value: str = "") -> None:
        """One finding on geometries."""
        if bad.any():
            named = [self.rows[i] for i in np.flatnonzero(bad)]
            self.add(code, f"{what}.", remedy, rows=named, column="geometry", value=value or what)

    def absent(self, column: Column) -> None:
        """A column that is not there."""
        if column.required:
            guess = nearest(column.name, [c for c in self.unread if c not in LABELS])
            self.add(
                "K01",
                f"column {column.name!r} is missing.",
                f"rename {guess!r} to {column.name!r}, or add it: {column.description}"
                if guess
                else f"add it: {column.description}",
                rows=[f"all {len(self.layer)}"],
                column=column.name,
                value="(no column)",
            )
        elif column.recommended:
            self.add(
                "K12",
                f"column {column.name!r} is missing.",
                f"add it: {column.description}",
                severity="warning",
                column=column.name,
                value="(no column)",
            )

    def column(self, column: Column) -> None:
        """Whether a column is filled; its cells were read before."""
        empty = self.empty(column.name)
        if column.required:
            self.by_value("K02", column.name, empty, "empty", f"fill it: {column.description}")
        elif column.recommended:
            self.by_value("K12", column.name, empty, "empty", f"fill it: {column.description}", "warning")

    def pair(
        self,
        bad: Rows,
        first: str,
        second: str,
        what: str,
        remedy: str,
        severity: str = "error",
        code: str = "K09",
    ) -> None:
        """A contradiction between two columns, one finding per pair of values."""
        groups: dict[tuple[str, str], list[int]] = {}
        for i in np.flatnonzero(bad):
            pair = (_shown(self.layer, first, i), _shown(self.layer, second, i))
            groups.setdefault(pair, []).append(int(i))
        for (a, b), rows in groups.items():
            named = [self.rows[i] for i in rows]
            self.add(
                code,
                f"{first} and {second}: {what}.",
                remedy,
                rows=named,
                severity=severity,
                column=f"{first}, {second}",
                value=f"{a}, {b}",
            )

    def shared_rules(self) -> None:
        """Dates against each other and against the status."""
        opened, closed = self.numbers("opened"), self.numbers("closed")
        status = self.words("status")
        with np.errstate(invalid="ignore"):
            self.pair(
                closed < opened,
                "opened",
                "closed",
                "it was taken down before it was built",
                "check both years",
            )
        self.pair(
            (status == "planned") & ~np.isnan(opened),
            "status",
            "opened",
            "a planned line has opened",
            "use planned_open, or status existing",
        )
        self.pair(
            (status == "existing") & ~np.isnan(closed),
            "status",
            "closed",
            "it exists and was taken down",
            "set status removed, or empty closed",
            "warning",
        )

    def barrier_rules(self) -> None:
        """Fence, traffic and wire columns against each other."""
        kind, fenced, fence_class = self.words("kind"), self.words("fenced"), self.words("fence_class")
        sides, lines = self.words("fence_sides"), self.numbers("fence_lines")
        has_fence = np.isin(sides, ("both", "left", "right")) | (lines > 0)
        self.pair(
            (fenced == "no") & np.isin(sides, ("both", "left", "right")),
            "fenced",
            "fence_sides",
            "unfenced, with fences",
            "set fenced to yes or mostly, or fence_sides to none",
        )
        self.pair(
            (fenced == "no") & (lines > 0) & ~np.isin(sides, ("both", "left", "right")),
            "fenced",
            "fence_lines",
            "unfenced, with fences",
            "set fenced to yes or mostly, or fence_lines to 0",
        )
        rail_only = np.isin(fence_class, ("rail_barbed_both_sides", "rail_wildlife_friendly"))
        self.pair(
            rail_only & np.isin(kind, ("road", "canal", "pipeline")),
            "kind",
            "fence_class",
            "a class of railway fences on something else",
            "use border or stock",
        )
        self.traffic(kind)
        self.wires()
        heights = ~np.isnan(self.numbers("bottom_wire_m")) & ~np.isnan(self.numbers("top_wire_m"))
        plain = (fence_class == "") & ~heights
        self.pair(
            plain & (kind == "fence") & (fenced != "no"),
            "kind",
            "fence_class",
            "a fence without class",
            "give fence_class or wire heights; it runs as a stock fence",
            "warning",
            "K13",
        )
        fenced_rail = (kind == "railway") & (np.isin(fenced, ("yes", "mostly")) | has_fence)
        self.pair(
            plain & fenced_rail,
            "fenced",
            "fence_class",
            "a fenced railway without class",
            "give fence_class or wire heights; it runs as barbed on both sides",
            "warning",
            "K13",
        )
        self.pair(
            np.isin(kind, ("canal", "pipeline")),
            "kind",
            "fence_class",
            "there is no crossing rule for this kind",
            "it is kept and left out of the runs; describe it as a fence of a class to count it",
            "warning",
            "K13",
        )

    def traffic(self, kind: NDArray[np.object_]) -> None:
        """Traffic in order, and present on roads."""
        keys = ("vehicles_per_day_low", "vehicles_per_day", "vehicles_per_day_high")
        low, best, high = (self.numbers(k) for k in keys)
        with np.errstate(invalid="ignore"):
            self.pair(low > best, keys[0], keys[1], "low is above best", "put the three figures in order")
            self.pair(best > high, keys[1], keys[2], "best is above high", "put the three figures in order")
            self.pair(
                np.isnan(best) & (low > high), keys[0], keys[2], "low is above high", "put them in order"
            )
        none = (kind == "road") & np.isnan(low) & np.isnan(best) & np.isnan(high)
        self.pair(
            none,
            "kind",
            "vehicles_per_day",
            "a road without traffic",
            "give vehicles_per_day, or a low and a high guess; it cannot be run without",
            "warning",
            "K13",
        )

    def wires(self) -> None:
        """Wire heights against each other and against their number."""
        bottom, top, count = self.numbers("bottom_wire_m"), self.numbers("top_wire_m"), self.numbers("wires")
        with np.errstate(invalid="ignore"):
            self.pair(
                bottom > top,
                "bottom_wire_m",
                "top_wire_m",
                "the lowest wire is above the highest",
                "check both heights [m]",
            )
        lists = self.words("wire_heights_m")
        heights = np.array([len(str(v).split()) for v in lists])
        other = (heights > 0) & ~np.isnan(count) & (heights != count)
        self.pair(other, "wires", "wire_heights_m", "another number of heights", "give one height per wire")

    def extra_columns(self) -> None:
        """Columns that the schema does not know."""
        known = {c.name for c in self.columns} | {"geometry"}
        told = {f.details.get("column") for f in self.findings if f.code in ("K14", "K19")}
        for column in [c for c in self.unread if c not in told]:
            guess = nearest(column, known)
            self.add(
                "K14",
                f"column {column!r} is not in the schema; it is kept and not used.",
                f"did you mean {guess!r}?" if guess else "rename it, or map it on import",
                severity="note",
                column=str(column),
                value="(column)",
            )


def _shown(layer: gpd.GeoDataFrame, column: str, row: Any) -> str:
    """A cell as text for a finding."""
    value = layer[column].iloc[int(row)] if column in layer else None
    return "(empty)" if missing(value) else str(value)
