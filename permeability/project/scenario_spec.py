"""Scenarios as they stand in a project file: their steps, what they build on, and the interventions they come to.

The keys of every action are fixed here; a key that does not belong to its action is refused, so that nothing that a
project file says is silently without effect.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, get_args

import pandas as pd
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from permeability.barriers.lines import Barriers
from permeability.barriers.scenario import FACTS, Intervention, traffic_range
from permeability.core.errors import BarrierError, ProjectError, nearest
from permeability.core.plain_text import file_name_fault
from permeability.planning.alternatives import VARY

TODAY = "today"
TRAFFIC = ("vehicles_per_day_low", "vehicles_per_day", "vehicles_per_day_high", "trains_per_day")
PLACE = ("km", "components")
OF_LINE = ("fenced", "fence_class", "trains_per_day", "vehicles_per_day", "options")
# action: (keys it needs, keys it may have)
KEYS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "add": (("line",), (*OF_LINE, "built")),
    "remove": (("line",), (*PLACE, "built")),
    "drop": (("line",), ("km", "built")),
    "treat": (("line", "treatment"), (*PLACE, "at", "width_m", "options", "built")),
    "modify": (("line",), (*PLACE, "treatment", "options", "built")),
    "close": (("line",), ("km", "hours", "built")),
    "traffic": ((), ("line", "kind", "vehicles_per_day", "trains_per_day", "times", "built")),
    "set": (("line",), (*OF_LINE, "built")),
    "layer": ((), ("layer", "use", "path", "table", "factor", "scale")),
}


def _takes_yes(annotation: Any) -> bool:
    """Whether a key may be true or false, by itself or in one of its forms."""
    return annotation in (bool, Any) or any(_takes_yes(inner) for inner in get_args(annotation))


class Table(BaseModel):
    """A table of the project file: unknown keys are errors."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, allow_inf_nan=False, defer_build=True
    )

    @field_validator("*", mode="before")
    @classmethod
    def _no_yes_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        """``true`` is 1 in Python; in a project file it is a slip where a number is meant."""
        if isinstance(value, bool) and not _takes_yes(cls.model_fields[str(info.field_name)].annotation):
            raise ValueError(f"{str(value).lower()} is no value of this key")
        return value


def _file_name(text: str) -> str:
    """A name that a file can have on some system."""
    fault = file_name_fault(text)
    if fault:
        raise ValueError(fault)
    return text


FileName = Annotated[str, AfterValidator(_file_name)]


class StepSpec(Table):
    """``[[scenarios.steps]]``: one intervention, or one change of a layer."""

    action: Literal["add", "remove", "drop", "treat", "modify", "close", "traffic", "set", "layer"]
    line: str | None = None
    kind: Literal["road", "railway"] | None = None
    km: float | tuple[float, float] | None = None
    at: list[float] = []
    treatment: str | None = None
    width_m: float | None = Field(default=None, gt=0)
    components: list[str] | None = None
    fenced: Literal["yes", "no", "mostly"] | None = None
    fence_class: str | None = None
    trains_per_day: float | None = Field(default=None, ge=0)
    vehicles_per_day: float | None = Field(default=None, ge=0)
    times: float | None = Field(default=None, ge=0)
    hours: str | None = None
    built: int | None = None
    layer: str | None = None
    use: str | None = None
    path: FileName | None = None
    table: str | None = None
    factor: str | None = None
    scale: float | None = Field(default=None, gt=0)
    options: dict[str, Any] = {}

    @model_validator(mode="after")
    def _keys_of_action(self) -> StepSpec:
        need, may = KEYS[self.action]
        given = self.model_fields_set - {"action"}
        stray = sorted(given - {*need, *may})
        if stray:
            raise ValueError(
                f"action {self.action!r} takes no {stray[0]!r}; it takes {', '.join((*need, *may))}"
            )
        absent = [k for k in need if k not in given]
        if absent:
            raise ValueError(f"action {self.action!r} needs {absent[0]!r}")
        self._whole()
        return self

    def _whole(self) -> None:
        """Refuse a step of which half is missing, or that says one thing twice."""
        if self.action == "traffic":
            if (self.line is None) == (self.kind is None):
                raise ValueError("action 'traffic' needs either 'line' or 'kind'")
            if [self.vehicles_per_day, self.trains_per_day, self.times].count(None) != 2:
                raise ValueError(
                    "action 'traffic' needs one of 'vehicles_per_day', 'trains_per_day' and 'times'"
                )
        if self.action == "treat" and self.km is not None and self.at:
            raise ValueError("give either 'km' or 'at'")
        if self.action == "layer":
            self._whole_layer()

    def _whole_layer(self) -> None:
        if (self.layer is None) == (self.factor is None):
            raise ValueError("action 'layer' needs either 'layer' or 'factor'")
        if self.factor is not None and (self.scale is None or self.use or self.path or self.table):
            raise ValueError("a habitat factor takes 'scale' and nothing else")
        if self.layer is not None and [self.use, self.path, self.scale].count(None) != 2:
            raise ValueError("a layer takes one of 'use' (another layer), 'path' (another file) and 'scale'")


class ScenarioSpec(Table):
    """``[[scenarios]]``: a named list of steps on top of another scenario, in another year or with other layers."""

    name: str
    based_on: str | None = None
    measure: Literal["avoid", "minimise", "restore", "offset"] | None = None
    note: str = ""
    year: int | None = None
    layers: dict[str, str] = {}
    steps: list[StepSpec] = []


class ComparisonSpec(Table):
    """``[comparison]``: what the scenarios are measured against, and over how many draws."""

    baseline: str = TODAY
    cumulative: str | None = None
    draws: int = Field(default=0, ge=0, le=1_000_000)
    seed: int = Field(default=1, ge=0, le=2**63 - 1)
    vary: list[Literal["crossing", "trace", "traffic", "unmapped", "map", "habitat"]] = [*VARY]  # type: ignore[list-item]


def chain_of(scenarios: Sequence[ScenarioSpec], name: str) -> list[ScenarioSpec]:
    """A scenario and all that it builds on, the first first; empty for ``today`` where the file has none.

    Raises
    ------
    ProjectError
        J04 no such scenario, J08 scenarios that build on each other.
    """
    found = {s.name: s for s in scenarios}
    chain: list[ScenarioSpec] = []
    word: str | None = name
    while word is not None:
        if word not in found:
            if word == TODAY:
                break
            raise _no_scenario(word, found, chain)
        plan = found[word]
        if plan in chain:
            raise ProjectError(
                "J08", "scenarios build on each other in a circle.", rows=[s.name for s in chain],
                remedy="let one of them stand by itself (take its based_on out)",
            )  # fmt: skip
        chain.append(plan)
        word = plan.based_on
    return chain[::-1]


def _no_scenario(word: str, found: Mapping[str, Any], chain: Sequence[ScenarioSpec]) -> ProjectError:
    guess = nearest(word, found)
    return ProjectError(
        "J04", f"there is no scenario {word!r}.", rows=[f"based_on of {chain[-1].name!r}"] if chain else None,
        remedy=f"did you mean {guess!r}?" if guess else "define it under [[scenarios]]",
    )  # fmt: skip


def year_of(chain: Sequence[ScenarioSpec]) -> int | None:
    """Year of a scenario: its own, else that of the nearest one it builds on; None for the project's."""
    return next((s.year for s in reversed(chain) if s.year is not None), None)


def steps_of(chain: Sequence[ScenarioSpec]) -> list[StepSpec]:
    """All steps in order, without those that are built after the scenario's year."""
    year = year_of(chain)
    return [s for plan in chain for s in plan.steps if not built_later(s, year)]


def built_later(step: StepSpec, year: int | None) -> bool:
    """Whether a step is built after a year."""
    return step.built is not None and year is not None and step.built > year


# ---------------------------------------------------------------- steps to interventions
def interventions_of(step: StepSpec, barriers: Barriers) -> list[Intervention]:
    """The interventions of a step: one, or one for every kilometre (``at``) or row (``times``, ``kind``).

    Raises
    ------
    BarrierError
        B06 no such line, B14 no traffic figure to multiply.
    """
    if step.action == "layer":
        return []
    if step.action == "traffic":
        return _traffic(step, barriers)
    line = str(step.line)
    action, treatment, options = step.action, step.treatment, dict(step.options)
    if action == "modify":
        action, treatment = "treat", step.treatment or "modify"
    if action == "close":
        action, treatment = "treat", "night_closure"
        options = {"closed_hours": step.hours} if step.hours is not None else {}
    if action in FACTS:
        options = traffic_range({**options, **_facts(step)})
    parts = tuple(step.components) if step.components else None
    return [
        Intervention(action, line, a, b, treatment, parts, None, step.width_m, options)
        for a, b in _stretches(step)
    ]


def _stretches(step: StepSpec) -> list[tuple[float, float]]:
    if step.at:
        return [(float(k), float(k)) for k in step.at]
    if step.km is None:
        return [(float("-inf"), float("inf"))]
    if isinstance(step.km, (int, float)):
        return [(float(step.km), float(step.km))]
    return [(float(step.km[0]), float(step.km[1]))]


def _facts(step: StepSpec) -> dict[str, Any]:
    names = ("fenced", "fence_class", "trains_per_day", "vehicles_per_day")
    return {n: getattr(step, n) for n in names if getattr(step, n) is not None}


def _traffic(step: StepSpec, barriers: Barriers) -> list[Intervention]:
    table = barriers.table
    if step.line is not None:
        rows: Iterable[int] = barriers.rows_of(step.line).tolist()
    else:
        # growth is of the traffic there is: a planned line has the traffic that its own step or row gives it
        stands = table["status"].isin(["existing", "under_construction"])
        rows = [i for i, k in enumerate(table["kind"]) if k == step.kind and stands.iloc[i]]
    out = []
    for i in rows:
        row = table.iloc[i]
        if step.times is None:
            facts = traffic_range(_facts(step))
        else:
            facts = {k: float(row[k]) * step.times for k in TRAFFIC if pd.notna(row[k])}
        if facts:
            out.append(Intervention("set", str(row["id"]), options=facts))
    if not out:
        raise BarrierError(
            "B14", f"{step.line or f'no {step.kind}'} has no traffic figure to multiply.", rows=[step.line or step.kind],
            remedy="give vehicles_per_day or trains_per_day in the layer or in the step",
        )  # fmt: skip
    return out
