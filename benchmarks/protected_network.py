"""ProtConn of large networks: seconds and memory. ``python benchmarks/protected_network.py [NODES] [all|planar]``

Boxes of 1 to 400 km2 spread at random over land (planar: 2,000 x 2,000 km; all: 10,000 x 10,000 km), median dispersal distance 10 km,
pairs below a chance of 1e-6 left out.
"""

from __future__ import annotations

import resource
import sys
import time

import geopandas as gpd
import numpy as np
import shapely

from permeability.linkage.network_metrics import MovementKernel
from permeability.linkage.protected_areas import protconn


def main(nodes: int = 80_000, links: str = "planar") -> None:
    """Make the areas, measure, print."""
    rng = np.random.default_rng(1)
    side = 2e6 if links == "planar" else 1e7
    width = 1000 * np.sqrt(np.minimum(400.0, 1 + rng.pareto(1.2, nodes)))
    x, y = rng.uniform(0, side - 2e4, (2, nodes))
    areas = gpd.GeoSeries(shapely.box(x, y, x + width, y + width), crs="EPSG:6933")
    start, used = time.perf_counter(), time.process_time()
    found = protconn(
        areas, MovementKernel.from_probability(10_000, 0.5), shapely.box(0, 0, side, side), links=links
    )
    took, used = time.perf_counter() - start, time.process_time() - used
    print(found)
    print(
        f"{nodes} areas, links {links}: {took:.1f} s ({used:.1f} s of processor), {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB"
    )


if __name__ == "__main__":
    main(*([int(sys.argv[1])] if len(sys.argv) > 1 else []), *sys.argv[2:3])
