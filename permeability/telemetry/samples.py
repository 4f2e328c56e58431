"""A walk and a fence small enough to check by thinking."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from permeability.barriers.lines import Barriers, prepare
from permeability.telemetry.reading import read_tracks
from permeability.telemetry.tracks import Tracks


def walk() -> tuple[Tracks, Barriers]:
    """Hourly fixes of one animal that comes to a fence of 5 km, walks along it and crosses at km 2.

    Returns
    -------
    tracks : Tracks
        Labelled as simulated.
    barriers : Barriers
        One stock fence along x = 0.

    Examples
    --------
    >>> tracks, barriers = walk()
    >>> tracks.xy[:, 0].tolist()
    [-900.0, -300.0, -15.0, 12.0, -10.0, 10.0, 300.0, 900.0]
    """
    places = [
        (-900, 0),
        (-300, 200),
        (-15, 500),
        (12, 1000),
        (-10, 1500),
        (10, 2500),
        (300, 2600),
        (900, 2700),
    ]
    frame = pd.DataFrame(
        {
            "animal": "a",
            "time": pd.date_range("2024-05-01", periods=len(places), freq="h", tz="UTC"),
            "x": [float(p[0]) for p in places],
            "y": [float(p[1]) for p in places],
        }
    )
    fence = gpd.GeoDataFrame(
        {"id": ["F"], "kind": ["fence"], "fence_class": ["stock"]},
        geometry=[shapely.LineString([(0, -1000), (0, 4000)])],
        crs=32648,
    )
    return read_tracks(frame, crs=32648, simulated=True), prepare(fence)


def herd(
    animals: int = 4,
    days: int = 60,
    kappa: float = 0.3,
    step_h: float = 2.0,
    rng: int = 0,
    *,
    open_at: tuple[float, ...] = (),
    open_kappa: float = 1.0,
) -> tuple[Tracks, Barriers]:
    """A herd that walks at random among parallel fences 3 km apart; a step that would cross is refused with chance 1 - kappa.

    Parameters
    ----------
    animals, days : int
    kappa : float
        Of a step.
    step_h : float
        [h].
    rng : int
    open_at : tuple of float
        Fences (by their x [m]) that have ``open_kappa`` instead.
    open_kappa : float

    Returns
    -------
    tracks : Tracks
        Labelled as simulated.
    barriers : Barriers

    Examples
    --------
    >>> tracks, barriers = herd(2, 3)
    >>> len(tracks), len(barriers), tracks.simulated
    (72, 21, True)
    """
    draw = np.random.default_rng(rng)
    n = int(days * 24 / step_h)
    here = draw.uniform(-3000, 3000, (animals, 2))
    heading = draw.uniform(0, 2 * np.pi, animals)
    path = np.empty((n, animals, 2))
    for k in range(n):
        path[k] = here
        there, new = here.copy(), heading.copy()
        open_ = np.ones(animals, bool)
        while open_.any():  # a refused step is drawn again: chances of steps are thinned by kappa
            turn = draw.vonmises(0, 0.5, animals)
            far = draw.exponential(600, animals)
            new[open_] = (heading + turn)[open_]
            there[open_] = (
                here + far[:, None] * np.stack([np.cos(heading + turn), np.sin(heading + turn)], axis=1)
            )[open_]
            chance = kappa ** np.abs(np.floor(there[:, 0] / 3000 + 0.5) - np.floor(here[:, 0] / 3000 + 0.5))
            for x in open_at:
                chance[(there[:, 0] < x) != (here[:, 0] < x)] *= open_kappa / kappa
            home = np.exp(-np.maximum(np.hypot(*there.T) - np.hypot(*here.T), 0) / 20_000)
            open_ &= draw.uniform(size=animals) > chance * home
        here, heading = there, new
    when = pd.date_range("2024-01-01", periods=n, freq=f"{int(step_h * 60)}min", tz="UTC")
    frame = pd.DataFrame(
        {
            "animal": np.repeat([f"s{i}" for i in range(animals)], n),
            "time": np.tile(when, animals),
            "x": path[:, :, 0].T.ravel(),
            "y": path[:, :, 1].T.ravel(),
        }
    )
    at = (np.arange(-10, 11) - 0.5) * 3000
    shapes = [shapely.LineString([(x, -60_000), (x, 60_000)]) for x in at]
    fences = gpd.GeoDataFrame(
        {"id": [f"F{i}" for i in range(len(at))], "kind": "fence", "fence_class": "stock"},
        geometry=shapes,
        crs=32648,
    )
    return read_tracks(frame, crs=32648, simulated=True), prepare(fences)
