"""What a moving-window run will take, before it is started."""

from __future__ import annotations

from dataclasses import dataclass

from permeability.engines.omnidirectional.tasks import WindowProblem, WindowTasks

# One thread of a 2024 server core, benchmarks/windows.py; other machines differ by a factor of two.
SECONDS_AT_50 = 2.6e-3
GROWTH = 2.6


@dataclass(frozen=True)
class WindowEstimate:
    """Expected work of a run.

    Attributes
    ----------
    windows, tasks : int
    seconds : float
        On one thread [s].
    memory_bytes : int
        Beyond the landscape: maps and the factors of ``workers`` threads [bytes].

    Examples
    --------
    >>> import numpy as np
    >>> from permeability.engines.omnidirectional import WindowOptions, prepare
    >>> estimate_windows(prepare(np.ones((10, 10)), WindowOptions(radius=3))).windows
    100
    """

    windows: int
    tasks: int
    seconds: float
    memory_bytes: int


def estimate_windows(problem: WindowProblem, workers: int = 1) -> WindowEstimate:
    """Windows, time and memory of a prepared run.

    Parameters
    ----------
    problem : WindowProblem
    workers : int

    Returns
    -------
    WindowEstimate

    Examples
    --------
    >>> import numpy as np
    >>> from permeability.engines.omnidirectional import WindowOptions, prepare
    >>> estimate_windows(prepare(np.ones((60, 60)), WindowOptions(radius=10, block_size=3))).windows
    400
    """
    options, windows = problem.options, len(problem.row)
    each = SECONDS_AT_50 * (max(options.reach, 10) / 50) ** GROWTH * (2 if options.flow_potential else 1)
    if options.domain == "shared":
        each /= 5
    window = (2 * options.reach + 1) ** 2
    factor = window * 8 * 45 * (2 if options.flow_potential else 1)
    maps = problem.resistance.size * 8 * (2 if options.flow_potential else 1)
    return WindowEstimate(windows, len(WindowTasks(problem)), windows * each, maps + workers * factor)
