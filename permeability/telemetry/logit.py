"""Conditional logistic regression by Newton steps, with Firth's penalty where a coefficient would run away.

References
----------
Firth 1993, Biometrika 80:27-38, doi:10.1093/biomet/80.1.27.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from permeability.core.errors import SolverError

Floats = NDArray[np.float64]

ROUNDS = 50


@dataclass(frozen=True)
class Fit:
    """Coefficients with their covariance.

    Attributes
    ----------
    beta : array, shape (covariates,)
    covariance : array, shape (covariates, covariates)
    log_likelihood : float
        Without the penalty.

    Examples
    --------
    >>> fit = conditional_logit(np.array([[0.0], [1.0], [1.0], [0.0], [0.0], [1.0]]), 3)
    >>> fit.beta.shape, fit.error.shape
    ((1,), (1,))
    """

    beta: Floats
    covariance: Floats
    log_likelihood: float

    @property
    def error(self) -> Floats:
        """Standard errors, shape (covariates,)."""
        return np.sqrt(np.diag(self.covariance))


def conditional_logit(x: Floats, options: int, *, firth: bool = True, tolerance: float = 1e-9) -> Fit:
    """Fit of choices: in each stratum the first row was chosen, the others were not.

    Parameters
    ----------
    x : array, shape (strata * options, covariates)
        Rows by stratum, the chosen one first.
    options : int
        Rows of a stratum.
    firth : bool
        Penalise by half the logarithm of the determinant of the information: finite also when nothing was crossed.
    tolerance : float
        Of the last Newton step, in standard errors.

    Returns
    -------
    Fit

    Raises
    ------
    SolverError
        F30 when covariates say the same, or the steps do not end.

    References
    ----------
    Firth 1993, doi:10.1093/biomet/80.1.27.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> x = rng.normal(size=(4000, 1))
    >>> chosen = np.argmax((x.reshape(-1, 4) * 0.7 + rng.gumbel(size=(1000, 4))), axis=1)
    >>> sets = x.reshape(-1, 4)
    >>> rows = np.take_along_axis(sets, (chosen[:, None] + np.arange(4)) % 4, axis=1).reshape(-1, 1)
    >>> bool(abs(conditional_logit(rows, 4).beta[0] - 0.7) < 0.15)
    True
    """
    sets = x.reshape(-1, options, x.shape[1])
    scale = sets.std(axis=(0, 1))
    scale = np.where(scale > 0, scale, 1.0)
    sets = (sets - sets[:, :1]) / scale  # against the chosen one: the same likelihood, smaller numbers
    beta = np.zeros(x.shape[1])
    value, score, info = _terms(sets, beta, firth)
    if value == -np.inf:
        raise _failed("covariates say the same, or one of them never differs")
    for _ in range(ROUNDS):
        step = _solve(_curvature(sets, beta, score, info) if firth else info, score)
        size = 1.0
        while size > 1e-4:
            new = _terms(sets, beta + size * step, firth)
            if new[0] >= value - 1e-12 * abs(value):
                break
            size /= 2
        beta, (value, score, info) = beta + size * step, new
        if not firth and np.diag(info).min() < 1e-5 * len(sets) ** 0.5:
            break  # flat: one more step goes nowhere
        if np.max(np.abs(size * step) * np.sqrt(np.diag(info))) < tolerance:
            covariance = _solve(info, np.eye(len(beta))) / np.outer(scale, scale)
            return Fit(beta / scale, covariance, _likelihood(sets, beta))
    raise _failed("the coefficients run away or do not settle")


def _curvature(sets: Floats, beta: Floats, score: Floats, info: Floats) -> Floats:
    """Of the penalised likelihood, by differences of its score; the information where that is not convex."""
    size = 1e-4 / np.sqrt(np.diag(info))
    rows = [
        (score - _terms(sets, beta + size * unit, True)[1]) / size.max(where=unit > 0, initial=0.0)
        for unit in np.eye(len(beta))
    ]
    found = np.asarray(rows)
    found = (found + found.T) / 2
    return found if np.isfinite(found).all() and np.linalg.eigvalsh(found).min() > 0 else info


def _failed(why: str) -> SolverError:
    return SolverError(
        "F30", f"step selection cannot be fitted: {why}.",
        remedy="use firth=True, leave out covariates that say the same, or take more steps",
    )  # fmt: skip


def _solve(info: Floats, right: Floats) -> Floats:
    try:
        if np.linalg.cond(info) > 1e13:
            raise np.linalg.LinAlgError
        return np.asarray(np.linalg.solve(info, right), dtype=np.float64)
    except np.linalg.LinAlgError as error:
        raise _failed("covariates say the same, or one of them never differs") from error


def _weights(sets: Floats, beta: Floats) -> tuple[Floats, Floats]:
    """Choice chances of all rows, shape (strata, options), and the logarithm of that of the chosen row."""
    eta = sets @ beta
    top = eta.max(axis=1, keepdims=True)
    weight = np.exp(eta - top)
    total = weight.sum(axis=1, keepdims=True)
    return weight / total, eta[:, 0] - top[:, 0] - np.log(total[:, 0])


def _likelihood(sets: Floats, beta: Floats) -> float:
    return float(_weights(sets, beta)[1].sum())


def _terms(sets: Floats, beta: Floats, firth: bool) -> tuple[float, Floats, Floats]:
    """Penalised log-likelihood (minus infinity where the information is singular), its score, and the information."""
    chance, log_chosen = _weights(sets, beta)
    mean = np.einsum("so,sok->sk", chance, sets)
    centred = sets - mean[:, None]
    weighted = chance[:, :, None] * centred
    info = np.tensordot(weighted, centred, axes=([0, 1], [0, 1]))
    score = np.asarray(centred[:, 0].sum(axis=0))
    value = float(log_chosen.sum())
    if firth:
        sign, logdet = np.linalg.slogdet(info)
        if sign <= 0:
            return -np.inf, score, info
        value += 0.5 * logdet
        inverse = np.linalg.inv(info)
        # d info / d beta_m is the third central moment; the penalty's score is half its trace with the inverse
        form = np.einsum("sok,kl,sol->so", centred, inverse, centred)
        third = np.einsum("so,so,sok->k", chance, form, centred)
        score = score + 0.5 * third
    return value, score, info
