"""Where a new line must not run, should not, may run, and where nobody knows; with the reason in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import rasterize, shapes

from permeability.alignment.damage import DamageMap
from permeability.core.display import Face
from permeability.core.errors import OptionError
from permeability.core.texts import N_
from permeability.landscape.landscape import Landscape
from permeability.layers.reprojection import reproject

__all__ = ["CLASSES", "NoGo", "no_go", "touched_cells"]

CLASSES = ("unknown", "suitable", "avoid", "no-go")  # 0..3
LAYER, LOSS, SOME, LITTLE, NOTHING_KNOWN = (
    N_("{layer}: no line may run here."),
    N_("A line here takes {value} % per km and more of the resistance between the places: among the worst {share} % of the ground."),
    N_("A line here takes {value} % per km and more: among the worst {share} % of the ground."),
    N_("A line here takes less than {value} % per km."),
    N_("No ground of the landscape, or nothing is known of it."),
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class NoGo(Face):
    """Classes of ground for a new line.

    Attributes
    ----------
    land : Landscape
    classes : array of uint8, shape (rows, cols)
        0 unknown, 1 suitable, 2 avoid, 3 no-go.
    thresholds : (float, float)
        Loss per kilometre from which ground is to be avoided, and no-go [% per km].
    share : array, shape (rows, cols)
        Share of the draws in which the cell is of its class; 1 where a layer decides; NaN where nothing is known.
    table : geopandas.GeoDataFrame
        Polygons with ``class``, ``reason`` (English; ``reason_text`` and ``reason_values`` for other languages), ``area_km2``
        and the mean ``share_of_draws``.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> found = no_go(pm.damage_map(land.without_barriers(), patches, "stock_fence"))
    >>> sorted(set(found.table["class"]))
    ['avoid', 'no-go', 'suitable']
    """

    _face: ClassVar[str] = "no_go"

    land: Landscape
    classes: NDArray[np.uint8] = field(repr=False)
    thresholds: tuple[float, float]
    share: NDArray[np.float64] = field(repr=False)
    table: gpd.GeoDataFrame = field(repr=False)

    @property
    def closed(self) -> NDArray[np.bool_]:
        """Cells where no line may run, shape (rows, cols)."""
        return np.asarray(self.classes == 3)

    def reasons(self, language: str = "en") -> list[str]:
        """Reason of every polygon in a language.

        Parameters
        ----------
        language : {"en", "mn", "ru"}

        Returns
        -------
        list of str
        """
        from importlib import import_module

        tr = import_module("permeability.locale.language").words(
            language
        )  # the room above this one, when it is asked for
        return [tr(t, **v) for t, v in zip(self.table["reason_text"], self.table["reason_values"])]

    def __repr__(self) -> str:
        area = self.table.groupby("class")["area_km2"].sum()
        return "Ground for a new line: " + ", ".join(
            f"{c} {area.get(c, 0.0):,.0f} km2" for c in CLASSES[::-1]
        )


def no_go(
    damage: DamageMap,
    *,
    worst: tuple[float, float] = (0.2, 0.05),
    thresholds: tuple[float, float] | None = None,
    layers: Mapping[str, gpd.GeoDataFrame] | None = None,
    distance_m: Mapping[str, float] | None = None,
    draws: Sequence[DamageMap] = (),
) -> NoGo:
    """Classes of ground for a new line, by what it would take and by layers that forbid it.

    Parameters
    ----------
    damage : DamageMap
    worst : (float, float)
        Shares of the ground to be avoided and to be no-go: the worst 20 % and the worst 5 %.
    thresholds : (float, float), optional
        Losses per kilometre instead [% per km].
    layers : mapping, optional
        Name -> polygons, lines or points in which no line may run: protected areas, water, legal zones.
    distance_m : mapping, optional
        Name -> distance to keep from a layer [m].
    draws : sequence of DamageMap
        The same in draws of the unknown numbers; they are held against the thresholds of ``damage``.

    Returns
    -------
    NoGo

    Raises
    ------
    OptionError
        U05 for shares or thresholds out of order, or a distance for a layer that is not there.

    Examples
    --------
    >>> import permeability as pm
    >>> land, patches = pm.samples.tiny()
    >>> damage = pm.damage_map(land.without_barriers(), patches, "stock_fence")
    >>> park = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 2000, 2000)], crs=land.grid.crs)
    >>> found = no_go(damage, layers={"park": park})
    >>> int(found.closed[-1, 0]), found.table.loc[found.table["reason"].str.startswith("park"), "area_km2"].tolist()
    (1, [4.0])
    """
    land, layers, distance_m = damage.land, dict(layers or {}), dict(distance_m or {})
    value = damage.worst
    known = np.isfinite(value)
    if thresholds is None:
        if not 0 < worst[1] <= worst[0] < 1:
            raise OptionError("U05", f"shares {worst} are not in order.", remedy="give the share to avoid, then the smaller one that is no-go, between 0 and 1")  # fmt: skip
        some, most = (float(np.quantile(value[known], 1 - w)) for w in worst)
    else:
        some, most = thresholds
        if not 0 <= some <= most:
            raise OptionError(
                "U05", f"thresholds {thresholds} are not in order.", remedy="give the lower one first"
            )
    if set(distance_m) - set(layers):
        raise OptionError(
            "U05", f"distances are given for layers that are not there: {', '.join(sorted(set(distance_m) - set(layers)))}.",
            remedy="name them as in layers",
        )  # fmt: skip
    classes = _classed(value, some, most)
    same = [_classed(d.worst, some, most) == classes for d in draws]
    share = np.where(known, np.mean(same, axis=0) if same else 1.0, np.nan)
    reason = np.where(known, classes, 0).astype(np.int32)
    for n, (name, table) in enumerate(layers.items()):
        here = touched_cells(table, land, distance_m.get(name, 0.0))
        classes[here], share[here] = 3, 1.0
        reason[here] = 4 + n
    shares = [100.0 * float((value[known] >= t).mean()) for t in (some, most)]
    texts: dict[int, tuple[str, dict[str, str]]] = {
        0: (NOTHING_KNOWN, {}),
        1: (LITTLE, {"value": f"{some:.3g}"}),
        2: (SOME, {"value": f"{some:.3g}", "share": f"{shares[0]:.0f}"}),
        3: (LOSS, {"value": f"{most:.3g}", "share": f"{shares[1]:.0f}"}),
        **{4 + n: (LAYER, {"layer": name}) for n, name in enumerate(layers)},
    }
    return NoGo(land, classes, (some, most), share, _polygons(land, classes, reason, share, texts))


def _classed(value: NDArray[np.float64], some: float, most: float) -> NDArray[np.uint8]:
    with np.errstate(invalid="ignore"):
        found = np.where(value >= most, 3, np.where(value >= some, 2, 1))
    return np.where(np.isfinite(value), found, 0).astype(np.uint8)


def touched_cells(table: gpd.GeoDataFrame, land: Landscape, distance_m: float = 0.0) -> NDArray[np.bool_]:
    """Cells that a layer, or the strip of a width round it, touches.

    Parameters
    ----------
    table : GeoDataFrame
    land : Landscape
    distance_m : float
        [m]

    Returns
    -------
    bool array, shape (rows, cols)

    Examples
    --------
    >>> import permeability as pm
    >>> land, _ = pm.samples.tiny()
    >>> spot = gpd.GeoDataFrame(geometry=[shapely.Point(500, 500)], crs=land.grid.crs)
    >>> int(touched_cells(spot, land).sum()), int(touched_cells(spot, land, 600).sum())
    (1, 3)
    """
    there = reproject(table, land.grid.crs).geometry
    there = [g for g in there if g is not None and not g.is_empty]
    if distance_m > 0:
        there = [g.buffer(distance_m) for g in there]
    if not there:
        return np.zeros(land.grid.shape, bool)
    found = rasterize(there, land.grid.shape, transform=land.grid.transform, all_touched=True, dtype=np.uint8)
    return np.asarray(found > 0)


def _polygons(
    land: Landscape,
    classes: NDArray[np.uint8],
    reason: NDArray[np.int32],
    share: NDArray[np.float64],
    texts: Mapping[int, tuple[str, Mapping[str, str]]],
) -> gpd.GeoDataFrame:
    """One row for each connected piece of ground with one reason."""
    rows: list[dict[str, Any]] = []
    pieces = shapes(reason, transform=land.grid.transform)
    for shape, code in pieces:
        outline = shapely.geometry.shape(shape)
        text, values = texts[int(code)]
        rows.append({"class": "", "code": int(code), "reason": text.format(**values), "reason_text": text, "reason_values": dict(values), "geometry": outline})  # fmt: skip
    table = gpd.GeoDataFrame(rows, crs=land.grid.crs)
    where = rasterize(
        zip(table.geometry, range(1, len(table) + 1)), land.grid.shape, transform=land.grid.transform, dtype=np.int32
    ).ravel()  # fmt: skip
    count = np.bincount(where, minlength=len(table) + 1)[1:]
    held = np.bincount(where, np.nan_to_num(share.ravel()), len(table) + 1)[1:]
    first = np.full(len(table) + 1, -1)
    first[where[::-1]] = np.arange(where.size)[::-1]
    table["class"] = [CLASSES[classes.ravel()[k]] for k in first[1:]]
    table["area_km2"] = count * land.grid.cell_area_km2
    table["share_of_draws"] = held / np.maximum(count, 1)
    return table.drop(columns="code")
