"""Clusters of observations, drawn again and again: collared animals with encounters, cameras or plots with counts.

Within a cluster observations resemble each other; clusters differ.  Chances are beta-binomial, ``variance of the cluster's chance =
icc p (1 - p)``; counts are gamma-Poisson, ``variance of the cluster's rate = (spread x rate)²``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]


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
        Of clusters that are seen before and after: correlation of what makes them differ, 0..1.

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

    def draw(self, levels: tuple[Floats, ...], rng: np.random.Generator) -> list[Floats]:
        """Estimate of every cluster in periods with the given levels; NaN where it saw nothing.

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
        out = []
        for level in levels:
            if common is None:
                mean = self._drawn(level, rng)
            else:
                normal = np.sqrt(self.kept) * common + np.sqrt(1 - self.kept) * rng.standard_normal(shape)
                mean = self._ranked(level, special.ndtr(normal))
            effort = self._effort(shape, rng)
            with np.errstate(invalid="ignore", divide="ignore"):
                if self.kind == "chance":
                    out.append(np.asarray(rng.binomial(effort.astype(np.int64), mean) / effort))
                else:
                    out.append(np.asarray(rng.poisson(mean * effort) / effort))
        return out

    def _effort(self, shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
        found = np.full(shape, float(self.effort))
        if self.effort_cv > 0:
            found = rng.gamma(1 / self.effort_cv**2, self.effort * self.effort_cv**2, shape)
        if self.lost > 0:
            found = np.where(rng.uniform(size=shape) < self.lost, found * rng.uniform(size=shape), found)
        return np.rint(found) if self.kind == "chance" else found

    def _drawn(self, level: Floats, rng: np.random.Generator) -> Floats:
        """Chance or rate of clusters that are seen once."""
        if self.kind == "rate":
            shape = 1 / self.spread**2 if self.spread > 0 else np.inf
            return level if self.spread == 0 else np.asarray(rng.gamma(shape, 1 / shape, level.shape) * level)
        safe, inside = self._inside(level)
        size = 1 / self.icc - 1 if self.icc > 0 else 1.0
        return level if self.icc == 0 else np.where(inside, rng.beta(safe * size, (1 - safe) * size), level)

    def _ranked(self, level: Floats, rank: Floats) -> Floats:
        """The same at given ranks among all clusters."""
        if self.kind == "rate":
            shape = 1 / self.spread**2 if self.spread > 0 else np.inf
            return level if self.spread == 0 else np.asarray(special.gammaincinv(shape, rank) / shape * level)
        safe, inside = self._inside(level)
        size = 1 / self.icc - 1 if self.icc > 0 else 1.0
        return (
            level
            if self.icc == 0
            else np.where(inside, special.betaincinv(safe * size, (1 - safe) * size, rank), level)
        )

    @staticmethod
    def _inside(level: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        """Chances off 0 and 1, where nothing can differ; and which those are."""
        inside = (level > 0) & (level < 1)
        return np.where(inside, level, 0.5), inside
