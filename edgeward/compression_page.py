"""What the report of `edgeward compress` shows, from the record of the run."""

from __future__ import annotations

from .benchmarks.quality.paired import PAIRED
from .benchmarks.report.compression_content import Allowed, CompressionPage, Stage
from .benchmarks.report.evidence_tables import Fact
from .compression import Compressed, CompressionRecipe, StepRecord
from .compression.cost import Cost
from .compression.default_variant import default_precision
from .compression.gate import Held, held
from .compression.recipe import QUALITY_ALLOWANCES
from .devices import this_host
from .runtime.lineage import WEIGHTS
from .runtime.manifest import REFERENCE_ENGINE
from .runtime.provenance import MARK, STATEMENT, edgeward_version
from .training.checkpoint import Checkpoint

_ON_NOISE = {
    "student_relative_l2": "Samples of the float student against the teacher's",
    "int8_relative_l2": "Samples of the variant against the float graph's",
}


def compression_page(
    recipe: CompressionRecipe, compressed: Compressed, teacher: Checkpoint, seed: int, *, name: str
) -> CompressionPage:
    """The page of one run, whether or not its result may be written."""
    judged_on, host = compressed.judged_on, this_host()
    judged = ""
    if judged_on:
        kind = "simulated " if judged_on.simulated else ""
        judged = f"{judged_on.records:,} {judged_on.split} records of {judged_on.patients:,} {kind}patients"
    # Of a result that is refused no speeds were compared.
    default = (
        default_precision(compressed.speeds, REFERENCE_ENGINE)
        if compressed.speeds
        else min(compressed.graphs, key=lambda variant: compressed.made(variant).cost.latency_ms)
    )
    return CompressionPage(
        title=f"How {name} was made small",
        name=name,
        stages=_stages(compressed),
        default=default,
        allowed=tuple(_allowed(one) for one in held(recipe, compressed)),
        judged_on=judged,
        simulated=bool(judged_on and judged_on.simulated),
        private=teacher.privacy is not None,
        seeds=judged_on.seeds if judged_on else 0,
        glance_seeds=judged_on.glance_seeds if judged_on else 0,
        recipe_toml=recipe.to_toml(),
        recipe_name=recipe.name,
        facts=(
            Fact("Teacher", (f"{teacher.recipe.name}, {teacher.recipe.family}, seed {teacher.seed}",)),
            Fact("Learnt from", (teacher.provenance.source,)),
            *((Fact("Judged on", (f"{judged_on.source}: {judged}",)),) if judged_on else ()),
            Fact("Seed", (str(seed),)),
            Fact("Times were taken on", (f"{host.cpu} ({host.cpu_class}), one thread",)),
            Fact("Made with", (f"Edgeward {edgeward_version()}, Python {host.python}",)),
        ),
        notes=judged_on.notes if judged_on else (),
        provenance={
            "synthetic": MARK,
            "statement": STATEMENT,
            "teacher_sha256": compressed.teacher_digest,
            "recipe": recipe.name,
            "seed": seed,
        },
    )


def _stages(compressed: Compressed) -> tuple[Stage, ...]:
    stages = [Stage("teacher", "", *_cost(compressed.teacher_cost), digest=compressed.teacher_digest)]
    float_graph: int | None = None
    for number, step in enumerate(compressed.steps):
        # Variants are all made from the float graph; what comes before it, each from the one before.
        before = number if float_graph is None else float_graph
        stages.append(
            Stage(
                f"{number + 1} {step.do}",
                ", ".join(f"{key} {value}" for key, value in step.options.items()),
                *_cost(step.cost),
                change=step.error,
                before=before,
                variant=step.variant,
                figures=step.quality.figures if step.quality else (),
                seconds=step.seconds,
                seed=step.seed,
                machine=", ".join(f"{key} {value}" for key, value in step.machine.items()),
                digest=_digest(step),
            )
        )
        if step.variant and float_graph is None:
            float_graph = len(stages) - 1
    return tuple(stages)


def _digest(step: StepRecord) -> str:
    return step.after[step.variant or WEIGHTS]


def _cost(cost: Cost) -> tuple[int, int, int, float]:
    return cost.parameters, cost.multiply_adds, cost.bytes, cost.latency_ms * 1000


def _allowed(one: Held) -> Allowed:
    measure = QUALITY_ALLOWANCES.get(one.allowance)
    return Allowed(
        allowance=one.allowance,
        measure=measure,
        title=PAIRED[measure].title if measure else _ON_NOISE[one.allowance],
        allowed=one.allowed,
        variant=one.variant or "student",
        value=one.value,
        bound=one.bound,
        passed=one.passed,
        surely=one.step is not None,
        why=one.why if not one.passed else "",
    )
