"""What a scenario changes of a project file: the year, the layers and the factors, and what need not be read again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from permeability.core.errors import ProjectError, nearest
from permeability.project.reading import layer_of
from permeability.project.scenario_spec import ScenarioSpec, StepSpec
from permeability.project.spec import FactorSpec, LayerSpec, ProjectSpec


def changed_layers(
    spec: ProjectSpec, chain: Sequence[ScenarioSpec]
) -> tuple[dict[str, LayerSpec], dict[str, FactorSpec]]:
    """Layers and habitat factors that scenarios replace or scale, the later on top of the earlier.

    Parameters
    ----------
    spec : ProjectSpec
    chain : sequence of ScenarioSpec
        A scenario and what it builds on, the first one first.

    Raises
    ------
    LayerError
        L09 a layer that the project does not define.
    ProjectError
        J09 a factor that it does not have.
    """
    layers: dict[str, LayerSpec] = {}
    factors: dict[str, FactorSpec] = {}
    for plan in chain:
        for old, new in plan.layers.items():
            layer_of(spec, old)
            layers[old] = layer_of(spec, new)
        for step in (s for s in plan.steps if s.action == "layer"):
            if step.factor is not None:
                known = factors.get(step.factor) or _factor_of(spec, step.factor)
                factors[step.factor] = known.model_copy(update={"scale": known.scale * (step.scale or 1.0)})
            else:
                name = str(step.layer)
                layers[name] = _layer_after(spec, step, layers.get(name) or layer_of(spec, name))
    return layers, factors


def _layer_after(spec: ProjectSpec, step: StepSpec, now: LayerSpec) -> LayerSpec:
    if step.use is not None:
        return layer_of(spec, step.use)
    if step.path is not None:
        return now.model_copy(update={"path": step.path, "table": step.table})
    return now.model_copy(update={"scale": now.scale * (step.scale or 1.0)})


def _factor_of(spec: ProjectSpec, name: str) -> FactorSpec:
    if name in spec.factors:
        return spec.factors[name]
    guess = nearest(name, spec.factors)
    raise ProjectError(
        "J09", f"the project has no habitat factor {name!r} to scale.",
        remedy=f"did you mean {guess!r}?" if guess else f"add [factors.{name}] with its layer",
    )  # fmt: skip


def untouched(spec: ProjectSpec, read: Iterable[str], layers: set[str], factors: set[str]) -> list[str]:
    """Keys of what has been read already and does not depend on the layers and factors that change."""
    lines = {*spec.barriers.layers, spec.barriers.posts}
    area = {*spec.mask.inside, *spec.mask.outside}
    stale = {f"{kind} {n}" for n in layers for kind in ("vector", "raster")}
    stale |= {f"factor {n}" for n, s in spec.factors.items() if n in factors or layers & set(s.layers)}
    stale |= {"barriers", "cuts"} if layers & lines else set()
    stale |= {"mask"} if layers & area else set()
    words = ["vector ", "raster ", "factor ", "barriers", "cuts", "mask"]
    words += [] if layers or factors else ["habitat "]
    return [k for k in read if k.startswith(tuple(words)) and k not in stale]
