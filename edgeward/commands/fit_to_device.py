"""`edgeward compress --for`: search the bundle that fits a device, and show what was found."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..runtime.atomic import check_output
from ..runtime.bundle import Bundle
from ..runtime.errors import GateError, RequestError
from .terminal import Progress, print_json, print_table, readable_bytes

if TYPE_CHECKING:
    from ..compression.fit.goals import Budget, Goals
    from ..compression.fit.search import Fit
    from ..gatekeeper import ValidationJudge
    from ..training.checkpoint import Checkpoint

DEFAULT_BUDGET = "30min"
_BYTES_A_TRIAL = 4
"""Of what a trial's steps leave, in units of the teacher's weights."""
_TRIALS = 20


@dataclass(frozen=True)
class Asked:
    """The options that go with `--for`, as written."""

    device: str | None
    latency: str | None
    size: str | None
    quality: str | None
    budget: str | None

    def refuse(self) -> None:
        """Without a device they mean nothing.

        Raises:
            RequestError: One was given.
        """
        for option in ("latency", "size", "quality", "budget"):
            if getattr(self, option) is not None:
                raise RequestError(f"--{option} goes with --for DEVICE: it says what a search shall keep to")

    def goals(self, *, judged: bool) -> Goals:
        """What the bundle shall keep to.

        Raises:
            RequestError: Nothing was asked, it is not understood, or cannot be judged here.
        """
        from ..compression.fit.goals import DISTANCE, Goals, parse_latency, parse_quality, parse_size

        goals = Goals(
            parse_latency(self.latency) if self.latency is not None else None,
            parse_size(self.size) if self.size is not None else None,
            parse_quality(self.quality) if self.quality is not None else (),
        )
        if goals == Goals():
            raise RequestError("--for needs something to fit: --latency, --size, --quality, or several of them")
        if goals.of_real_data and not judged:
            names = ", ".join(goal.measure for goal in goals.of_real_data)
            raise RequestError(
                f"--quality {names} is judged on real records: say which with --against DATA, or give a "
                f"{DISTANCE} from the teacher's samples (such as '{DISTANCE} 0.2')"
            )
        return goals

    def limit(self) -> Budget:
        """When the search stops.

        Raises:
            RequestError: It is not understood.
        """
        from ..compression.fit.goals import parse_budget

        return parse_budget(DEFAULT_BUDGET if self.budget is None else self.budget)


def fit_to_device(
    checkpoint: Checkpoint,
    device: str,
    goals: Goals,
    budget: Budget,
    output: Path,
    work: Path,
    *,
    judge: ValidationJudge | None,
    name: str,
    version: str,
    seed: int,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Search, write the report, and write the bundle if something fits.

    Raises:
        RequestError: The device is not known.
        OutputError: Something cannot be written.
        GateError: Nothing found meets every goal; the report is written, the bundle is not.
    """
    from ..compression import compress, pack
    from ..compression.fit.judged import losses_by
    from ..compression.fit.report import recipe_of, write_report
    from ..compression.fit.search import search
    from ..compression.fit.target import THIS_MACHINE, open_target

    untold = [goal.measure for goal in goals.of_real_data if judge and goal.measure not in judge.measures]
    if untold:
        raise RequestError(f"--quality {untold[0]} cannot be told of these data; leave it out, or judge on others")
    found = output.with_name(output.name + ".fit")
    check_output(found, overwrite=overwrite, folder=True)
    weights = sum(tensor.numel() * tensor.element_size() for tensor in checkpoint.weights.values())
    check_output(work, overwrite=True, folder=True, needed_bytes=_TRIALS * _BYTES_A_TRIAL * weights)
    if device != THIS_MACHINE:
        open_profile(device)  # before anything is made
    work.mkdir(exist_ok=True)
    target = open_target(device, work, on_progress=Progress("Calibrating the model"))
    try:
        fit = search(
            checkpoint,
            target,
            goals,
            work,
            budget=budget,
            seed=seed,
            judge=losses_by(judge) if judge else None,
            judge_key=judge.key if judge else "",
            say=_Searching(),
        )
        bundle = None
        recipe = None
        if fit.taken is not None:
            recipe_name = f"{name}-on-{target.name}"
            compressed = compress(checkpoint, recipe_of(fit, fit.taken, recipe_name), work, seed=seed, judge=judge)
            recipe = recipe_of(fit, fit.taken, recipe_name, compressed)
            if fit.met:
                bundle = pack(
                    output,
                    checkpoint,
                    compressed,
                    recipe,
                    name=name,
                    version=version,
                    seed=seed,
                    default=fit.taken.variant,
                )
        write_report(found, fit, recipe)
    except KeyboardInterrupt:
        click.echo(f"\nWhat was tried is kept in {work}; the same command goes on there.", err=True)
        raise
    _show(fit, found, output, bundle, as_json=as_json)
    if bundle is None:
        from ..compression.fit.report import unmet_text

        raise GateError(
            f"{unmet_text(fit)} No bundle was written; {found} shows the front"
            + (
                ""
                if fit.complete
                else f". The budget of {fit.budget.text()} ended the search: the same command with a "
                "larger --budget and --overwrite goes on where it was"
            )
        )
    shutil.rmtree(work, ignore_errors=True)


class _Searching:
    """Progress of a search: of what was left of its budget when it began, so that the time left is right."""

    def __init__(self) -> None:
        self._progress, self._before = Progress("Searching"), -1.0

    def __call__(self, spent: float, of: float, what: str) -> None:
        if self._before < 0:
            self._before = spent
        self._progress(int(1000 * (spent - self._before)), int(1000 * (of - self._before)) + 1, what)


def open_profile(device: str) -> None:
    """Check that a device is known.

    Raises:
        RequestError: It is not.
    """
    from .devices import known_device

    known_device(device)


def _show(fit: Fit, found: Path, output: Path, bundle: Bundle | None, *, as_json: bool) -> None:
    from ..compression.fit.report import counted, front_rows, goals_text, quality_text, to_json

    if as_json:
        print_json(
            {
                "bundle": str(output) if bundle else None,
                "sha256": bundle.digest if bundle else None,
                "report": str(found),
                **to_json(fit),
            }
        )
        return
    print_table(*front_rows(fit))
    click.echo(f"\nAsked: {goals_text(fit)} on {fit.target.name}; {counted(fit)}, seed {fit.seed}")
    click.echo(f"Latency: {fit.target.describe()}.")
    click.echo(f"Quality: {quality_text(fit)}.")
    click.echo(f"\n{found}: the front as a plot and a table, and the recipe that makes it again")
    if bundle:
        click.echo(
            f"{output}: {readable_bytes(bundle.size)} in all, default {bundle.manifest.default_precision}\n"
            f"Next:  edgeward generate {output} -n 100 -o samples.npz"
        )
