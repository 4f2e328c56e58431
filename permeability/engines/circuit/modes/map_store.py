"""Current and voltage maps of many runs: what is asked for, how each is changed, their sum and maximum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from permeability.engines.circuit.possible import require_currents

Floats = NDArray[np.float64]
Key = tuple[int, ...]
OnMap = Callable[[str, Key, Floats], None]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class MapOptions:
    """Which maps a run of many pairs or nodes yields.

    Attributes
    ----------
    current, voltage : bool
        A map of every single pair (or node).
    cumulative, maximum : bool
        Cell-wise sum and maximum of the current maps.
    log_transform : bool
        log10 of every current above 0, NaN elsewhere, **before** summing (pairwise mode only; the
        cumulative map is then a sum of logarithms, as Circuitscape has it).
    null_currents, null_voltages : bool
        NaN instead of 0 in cells without resistance of their own (pairwise mode only).
    focal_currents_zero : bool
        Current 0 on the cells of the focal nodes that are active in a run.

    Examples
    --------
    >>> MapOptions(cumulative=True).currents, MapOptions().any
    (True, False)
    """

    current: bool = False
    voltage: bool = False
    cumulative: bool = False
    maximum: bool = False
    log_transform: bool = False
    null_currents: bool = False
    null_voltages: bool = False
    focal_currents_zero: bool = False

    @property
    def currents(self) -> bool:
        """Whether any current has to be computed."""
        return self.current or self.cumulative or self.maximum

    @property
    def any(self) -> bool:
        """Whether any map has to be computed."""
        return self.currents or self.voltage


class MapStore:
    """Collects the maps of a run.

    Parameters
    ----------
    shape : (int, int)
    options : MapOptions
    null : bool array, shape (rows, cols)
        Cells without resistance of their own.
    on_map : callable, optional
        ``on_map(kind, key, map)`` takes every single map (kind ``"current"`` or ``"voltage"``) instead of
        keeping it.
    transform : bool
        Whether the log and null options apply.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        options: MapOptions,
        null: NDArray[np.bool_],
        on_map: OnMap | None = None,
        *,
        transform: bool = True,
    ) -> None:
        self.options, self.null, self.on_map, self.transform = options, null, on_map, transform
        self.current: dict[Key, Floats] = {}
        self.voltage: dict[Key, Floats] = {}
        self.cumulative = np.zeros(shape) if options.cumulative else None
        self.maximum = np.full(shape, np.nan) if options.maximum else None

    def add_voltage(self, key: Key, voltage: Floats) -> None:
        """Take the voltage map of one run."""
        if not self.options.voltage:
            return
        if self.transform and self.options.null_voltages:
            voltage = np.where(self.null, np.nan, voltage)
        self._keep("voltage", self.voltage, key, voltage)

    def add_current(self, key: Key, current: Floats, active: NDArray[np.int64] | None = None) -> None:
        """Take the current map of one run; ``active`` are the flat cells of its focal nodes."""
        require_currents(current, f"map of current of {key}")
        if self.options.focal_currents_zero and active is not None:
            current.reshape(-1)[active] = 0.0
        if self.transform and self.options.log_transform:
            current = np.log10(current, out=np.full(current.shape, np.nan), where=current > 0)
        if self.transform and self.options.null_currents:
            current = np.where(self.null, np.nan, current)
        if self.cumulative is not None:
            self.cumulative += current
        if self.maximum is not None:
            np.fmax(self.maximum, current, out=self.maximum)
        if self.options.current:
            self._keep("current", self.current, key, current)

    def _keep(self, kind: str, store: dict[Key, Floats], key: Key, plane: Floats) -> None:
        if self.on_map is not None:
            self.on_map(kind, key, plane)
        else:
            store[key] = plane
