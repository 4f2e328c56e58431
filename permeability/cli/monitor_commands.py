"""``permeability monitor``: how sure a monitoring design is, how large it must be, where its controls go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from permeability.cli.answers import JsonGroup, answer, records, written
from permeability.cli.numbers import Number
from permeability.cli.parameters import LANGUAGE, NEW_FILE, VECTOR, with_options
from permeability.cli.pilot_commands import value_command
from permeability.cli.streams import reader

__all__ = ["monitor"]


@click.group(cls=JsonGroup)
def monitor() -> None:
    """Did it work: power of a monitoring design, its size and cost, paired controls, and what knowing more is worth."""


monitor.add_command(value_command)


DESIGN = (
    click.option("--before", type=Number(0), required=True, help="crossing chance per encounter (or counts per unit of effort) today [1]"),
    click.option("--after", type=Number(0), required=True, help="the same after the opening, as hoped for [1]"),
    click.option("--effort", type=Number(0, min_open=True), required=True, help="encounters of an animal, or camera-days, km ..., in a period [1]"),
    click.option("--design", type=click.Choice(["baci", "before_after", "control_impact", "gradient", "staggered"]), default="baci", show_default=True, help="what is compared"),
    click.option("--kind", type=click.Choice(["chance", "rate"]), default="chance", show_default=True, help="of crossing, or counts per effort"),
    click.option("--icc", type=Number(0, 1, max_open=True), default=0.1, show_default=True, help="of chances: likeness of the encounters of one animal [1]"),
    click.option("--spread", type=Number(0), default=0.5, show_default=True, help="of rates: standard deviation between places as a share of the rate [1]"),
    click.option("--same", is_flag=True, help="the same animals or places are seen before and after"),
    click.option("--kept", type=Number(0, 1), default=0.5, show_default=True, help="with --same: correlation of before with after [1]"),
    click.option("--effort-cv", type=Number(0), default=0.0, show_default=True, help="coefficient of variation of the effort [1]"),
    click.option("--lost", type=Number(0, 1), default=0.0, show_default=True, help="share of collars or cameras lost on the way [1]"),
    click.option("--at-site", type=click.IntRange(1), default=1, show_default=True, help="animals, cameras or plots at each site; above 1 groups are of sites"),
    click.option("--site-icc", type=Number(0, 1, max_open=True), default=0.0, show_default=True, help="of chances: likeness of the animals of one site [1]"),
    click.option("--site-spread", type=Number(0), default=0.0, show_default=True, help="of rates: standard deviation between sites as a share [1]"),
    click.option("--season", "seasons", type=(Number(0, min_open=True), Number(0)), multiple=True, help="share of the effort in a season and its level over that of the year [1]; once for each season, in their order"),
    click.option("--swing", type=Number(0), default=0.0, show_default=True, help="coefficient of variation of years, the same everywhere [1]"),
    click.option("--dose", "doses", type=Number(0, 1), multiple=True, help="of a gradient: share of the effect in a ring, once for each ring [1] (default: 1, 0.5, 0.25, 0)"),
    click.option("--steps", type=click.IntRange(2), default=4, show_default=True, help="of a staggered design: places opened one after the other"),
    click.option("--control-before", type=Number(0), help="at the controls (default: --before) [1]"),
    click.option("--control-after", type=Number(0), help="at the controls later (default: no change there) [1]"),
    click.option("--level", type=Number(0, 1, min_open=True, max_open=True), default=0.05, show_default=True, help="of the test [1]"),
    click.option("--draws", type=click.IntRange(100), default=10_000, show_default=True, help="of the design, drawn anew"),
)  # fmt: skip


def _given(options: dict[str, Any]) -> dict[str, Any]:
    """Options as the library has them: rings only where they were named."""
    return {k: v for k, v in options.items() if k != "doses" or v}


@monitor.command("power")
@with_options(DESIGN)
@click.option(
    "--per-group", type=click.IntRange(2), required=True, help="animals, cameras or plots in each group"
)
def power_command(before: float, after: float, effort: float, per_group: int, **options: Any) -> None:
    """How sure a design of a given size is to see the change."""
    from permeability.monitoring import power

    found = power(before, after, per_group, effort, **_given(options))
    told = {
        "power": found.power, "error": found.error, "false_alarm": found.false_alarm, "groups": found.groups, "per_group": per_group,
        "design": found.design,
    }  # fmt: skip
    answer(told, repr(found))


@monitor.command("design")
@with_options(DESIGN)
@click.option(
    "--target",
    type=Number(0, 1, min_open=True, max_open=True),
    default=0.8,
    show_default=True,
    help="power to be reached [1]",
)
@click.option("--cost", type=Number(0), default=0.0, help="of one animal, camera or plot [currency]")
@click.option("--budget", type=Number(0), help="not to be exceeded [currency]")
@click.option("--out", type=NEW_FILE, help="table (.csv) or picture (.png, .svg, .pdf) to write")
@LANGUAGE
def design_command(
    before: float, after: float, effort: float, target: float, cost: float, budget: float | None, out: Path | None,
    language: str | None, **options: Any,
) -> None:  # fmt: skip
    """How many collars, cameras or plots the change takes, and what they cost."""
    from permeability.layers.whole_files import write_text
    from permeability.monitoring import design

    found = design(before, after, effort=effort, target=target, cost=cost, budget=budget, **_given(options))
    if out is not None:
        if out.suffix.lower() == ".csv":
            write_text(out, found.table.to_csv(index=False))
        else:
            found.plot(language=language or reader().language).save(out)
        written(out, quiet=True)
    text = found.table.to_string(index=False, float_format=lambda v: f"{v:,.3g}")
    answer({"sentence": found.sentence, "rows": records(found.table)}, f"{text}\n{found.sentence}")


@monitor.command("controls")
@click.argument("sites", type=VECTOR)
@click.option("--table", help="table in the file of sites")
@click.option(
    "--open",
    "opened",
    multiple=True,
    required=True,
    help="id of a site to be opened; may be given several times",
)
@click.option(
    "--apart-km", type=Number(0), required=True, help="least distance: the trace length of the species [km]"
)
@click.option("--like", help="column that must be the same, such as the kind of line")
@click.option("--value", help="column that should be near, such as the gain")
def controls_command(
    sites: Path, table: str | None, opened: tuple[str, ...], apart_km: float, like: str | None, value: str | None
) -> None:  # fmt: skip
    """A control for every site of SITES that is opened: far enough, and as much like it as can be."""
    from permeability.layers.vectors import read_vector
    from permeability.monitoring import paired_controls

    found = paired_controls(
        read_vector(sites, table), list(opened), apart_m=1000 * apart_km, like=like, value=value
    )
    answer({"rows": records(found)}, found.drop(columns="geometry").to_string(index=False))
