"""``permeability protconn``: protected and connected land, of a region or of every country."""

from __future__ import annotations

from pathlib import Path

import click

from permeability.cli.answers import JsonCommand, answer, records, written
from permeability.cli.numbers import Number
from permeability.cli.parameters import NEW_FILE, VECTOR

__all__ = ["protconn"]


@click.command(cls=JsonCommand)
@click.argument("areas", type=VECTOR)
@click.argument("region", type=VECTOR)
@click.option("--median-km", type=Number(0, min_open=True), required=True, help="median dispersal distance: half of those that leave get so far [km]")  # fmt: skip
@click.option(
    "--country", "column", help="column of REGION that names countries (default: all of it is one region)"
)
@click.option("--crs", help="coordinate system to work in, projected (default: that of AREAS); of equal areas where the region is large")  # fmt: skip
@click.option("--links", type=click.Choice(["all", "planar"]), default="all", show_default=True, help="which pairs are linked directly")  # fmt: skip
@click.option("--outside-km", type=Number(0), help="how far from the region areas outside it are stepping stones [km] (default: all given)")  # fmt: skip
@click.option("--touching-m", type=Number(0), default=0.0, show_default=True, help="areas so near each other hang together [m]")  # fmt: skip
@click.option("--below", type=Number(0, 1, max_open=True), default=1e-6, show_default=True, help="pairs of a chance below this are left out; the result says what they can add [1]")  # fmt: skip
@click.option("--out", type=NEW_FILE, help="table to write (.csv)")
def protconn(
    areas: Path, region: Path, median_km: float, column: str | None, crs: str | None, links: str, outside_km: float | None,
    touching_m: float, below: float, out: Path | None,
) -> None:  # fmt: skip
    """ProtConn and its parts (Saura et al. 2017, 2018) of the protected AREAS in REGION, or in every country of it.

    See docs/protected_areas.md for the formulas, and for ways through barriers in place of straight ones.
    """
    from permeability.layers.vectors import read_vector
    from permeability.layers.whole_files import write_text
    from permeability.linkage.network_metrics import MovementKernel
    from permeability.linkage.protected_areas import protconn_by_country

    drawn = read_vector(areas, crs=crs)
    lands = read_vector(region, crs=drawn.crs)
    if column is None:
        lands, column = lands.assign(region=region.stem), "region"
    found = protconn_by_country(
        drawn, MovementKernel.from_probability(1000 * median_km, 0.5), lands, name=column, links=links,
        outside_m=None if outside_km is None else 1000 * outside_km, touching_m=touching_m, below=below,
    )  # fmt: skip
    if out is not None:
        write_text(out, found.table.to_csv(index=False))
        written(out, quiet=True)
    answer(
        {"median_km": median_km, "rows": records(found.table)}, found.table.set_index("country").T.to_string()
    )
