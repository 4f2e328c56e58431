"""Clusters of observations, drawn again and again: collared animals with encounters, cameras or plots with counts.

Within a cluster observations resemble each other; clusters differ.  Chances are beta-binomial, ``variance of the cluster's chance =
icc p (1 - p)``; counts are gamma-Poisson, ``variance of the cluster's rate = (spread x rate)²``.  Clusters of one site resemble each other in
the same way (``site_icc``, ``site_spread``); the mean of a site is then what is compared.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
TINY = 1e-12  # shape of a beta distribution that is as good as none


@dataclass(frozen=True)
class Clusters:
    """What a cluster sees.

    Attributes
    ----------
    kind : {"chance", "rate"}
        Of a crossing per encounter, or of counts per unit of effort.
    effort : float
        Encounters, or units of effort (camera-days, km walked), of a cluster in a period.
    effort_cv : float
        Coefficient of variation of the effort between clusters.
    lost : float
        Share of clusters that are lost at a random moment of their period.
    icc : float
        Of chances: likeness of the encounters of one animal, 0..1.
    spread : float
        Of rates: standard deviation between clusters as a share of the rate.
    kept : float
        Of clusters that are seen before and after: correlation of what makes them differ, 0..1; of sites, where sites differ.
    at_site : int
        Clusters at each site; the site is then the unit.
    site_icc, site_spread : float
        Likeness of clusters of one site: of chances, and standard deviation between sites as a share of the rate.
    seasons : tuple of (share, factor)
        Share of the effort in each season, in their order, and its level over that of the year; a lost collar misses the last ones.

    Examples
    --------
    >>> seen = Clusters("chance", 20, icc=0.1)
    >>> seen.draw((np.full((2000, 5), 0.3),), np.random.default_rng(0))[0].mean().round(1)
    np.float64(0.3)
    """

    kind: str
    effort: float
    effort_cv: float = 0.0
    lost: float = 0.0
    icc: float = 0.1
    spread: float = 0.5
    kept: float = 0.5
    at_site: int = 1
    site_icc: float = 0.0
    site_spread: float = 0.0
    seasons: tuple[tuple[float, float], ...] = ()

    def draw(self, levels: tuple[Floats, ...], rng: np.random.Generator) -> list[Floats]:
        """Estimate of every cluster (site) in periods with the given levels; NaN where it saw nothing.

        Parameters
        ----------
        levels : tuple of arrays, shape (draws, clusters)
            Chance or rate of one period each; several periods are of the same clusters.
        rng : Generator

        Returns
        -------
        list of array, shape (draws, clusters)
        """
        shape = levels[0].shape
        common = rng.standard_normal(shape) if len(levels) > 1 else None
        sites = self.at_site > 1 or self._apart(True) > 0
        out = []
        for level in levels:
            rank = None
            if common is not None:
                normal = np.sqrt(self.kept) * common + np.sqrt(1 - self.kept) * rng.standard_normal(shape)
                rank = special.ndtr(normal)
            if not sites:
                out.append(self._seen(level, rank, rng))
                continue
            own = self._own(level, self._apart(True), rank, rng)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # a site of which every collar is lost
                each = self._seen(np.repeat(own[..., None], self.at_site, axis=2), None, rng)
                out.append(np.asarray(np.nanmean(each, axis=2)))
        return out

    def _apart(self, sites: bool = False) -> float:
        """How much clusters, or sites, differ."""
        if self.kind == "rate":
            return self.site_spread if sites else self.spread
        return self.site_icc if sites else self.icc

    def _seen(self, level: Floats, rank: Floats | None, rng: np.random.Generator) -> Floats:
        """What clusters of a level see, each at its rank among them."""
        full, lasted = self._effort(level.shape, rng)
        seasons = self.seasons or ((1.0, 1.0),)
        if len(seasons) > 1 and rank is None and self._apart() > 0:
            rank = rng.uniform(size=level.shape)  # an animal high in one season is high in all
        total, crossed, begun = np.zeros(level.shape), np.zeros(level.shape), 0.0
        for share, factor in seasons:
            effort, begun = full * np.clip(lasted - begun, 0.0, share), begun + share
            now = level * factor if self.kind == "rate" else np.minimum(level * factor, 1.0)
            own = self._own(now, self._apart(), rank, rng)
            if self.kind == "chance":
                effort = np.rint(effort)
                crossed += rng.binomial(effort.astype(np.int64), own)
            else:
                crossed += rng.poisson(own * effort)
            total += effort
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(crossed / total)

    def _effort(self, shape: tuple[int, ...], rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Effort of a whole period, and the share of the period that the cluster lasted."""
        full, lasted = np.full(shape, float(self.effort)), np.ones(shape)
        if self.effort_cv > 0:
            full = rng.gamma(1 / self.effort_cv**2, self.effort * self.effort_cv**2, shape)
        if self.lost > 0:
            lasted = np.where(rng.uniform(size=shape) < self.lost, rng.uniform(size=shape), 1.0)
        return full, lasted

    def _own(self, level: Floats, apart: float, rank: Floats | None, rng: np.random.Generator) -> Floats:
        """Own chances or rates round a level: drawn, or at given ranks."""
        if apart == 0:
            return level
        if self.kind == "rate":
            shape = 1 / apart**2
            own = (
                rng.gamma(shape, 1 / shape, level.shape)
                if rank is None
                else special.gammaincinv(shape, rank) / shape
            )
            return np.asarray(own * level)
        inside = (level > 0) & (level < 1)  # off 0 and 1, where nothing can differ
        safe, size = np.where(inside, level, 0.5), 1 / apart - 1
        a, b = np.maximum(safe * size, TINY), np.maximum((1 - safe) * size, TINY)
        own = rng.beta(a, b) if rank is None else special.betaincinv(a, b, rank)
        return np.where(inside, own, level)
