"""Check this machine, its engines and a bundle on it: what is well, what is not, and what to do."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..devices import this_host
from .backends import BACKENDS
from .bundle import Bundle, check_signature, read_bundle
from .choice import Choice
from .choosing import choose_again
from .engine_checks import check_engines
from .errors import EdgewardError
from .finding import Finding
from .golden import GoldenResult, check_everywhere
from .lineage import check_lineage
from .machine_checks import SATURATING, check_machine


@dataclass(frozen=True)
class Examination:
    """Everything that was found."""

    findings: tuple[Finding, ...]
    choice: Choice | None
    """What `auto` takes; None without a bundle, or where it takes nothing."""

    @property
    def problems(self) -> tuple[Finding, ...]:
        """What has to be put right."""
        return tuple(finding for finding in self.findings if finding.status == "problem")


def examine(path: str | os.PathLike[str] | None = None) -> Examination:
    """Check this machine and its engines, and with `path` a bundle on them; measures again what `auto` takes of it.

    Never raises for what it finds: a damaged bundle or an absent engine is a finding.
    """
    findings = [*check_machine(), *check_engines()]
    if path is None:
        return Examination(tuple(findings), None)
    try:
        bundle = read_bundle(path)
        signature = _signature(bundle)
        findings += [*_whole(bundle), signature]
        if signature.status == "problem":  # then it is not run
            return Examination(tuple(findings), None)
        results = list(check_everywhere(bundle))
    except EdgewardError as error:
        advice = "name a bundle that is there, or copy it again from where it was made"
        return Examination((*findings, Finding("bundle", "files", "problem", str(error), advice)), None)
    findings += _golden(results)
    choice, finding = _auto(bundle)
    return Examination((*findings, finding), choice)


def _whole(bundle: Bundle) -> Iterator[Finding]:
    manifest = bundle.manifest
    yield Finding(
        "bundle",
        "files",
        "ok",
        f"{manifest.name} {manifest.version}, {len(manifest.files)} files as the manifest says, sha256 {bundle.digest}",
    )
    try:
        steps = check_lineage(manifest)
    except EdgewardError as error:
        yield Finding("bundle", "record", "problem", str(error), "do not trust this bundle; ask where it was made")
        return
    told = f"{steps} steps of compression lead from the teacher to these graphs" if steps else "tells no steps"
    yield Finding("bundle", "record", "ok", told)


def _signature(bundle: Bundle) -> Finding:
    """Whether the user's settings let it be run; where not, the error tells more of a signature that is there."""
    try:
        told = check_signature(bundle).text
    except EdgewardError as error:
        unsigned = f"ask its sender for a signed one, or if it is yours: edgeward bundle sign {bundle.path} --key KEY"
        return Finding("bundle", "signature", "problem", str(error), "" if bundle.signature else unsigned)
    return Finding("bundle", "signature", "ok", told)


def _golden(results: Sequence[GoldenResult]) -> Iterator[Finding]:
    """One finding for each variant on each engine."""
    right = next((result for result in results if result.passed), None)
    for result in results:
        about = f"{result.variant} on {result.backend}"
        if result.refusal:
            yield Finding("bundle", about, "warning", f"is refused: {result.refusal}", _instead(right))
            continue
        if result.passed:
            yield Finding("bundle", about, "ok", f"gives the golden samples: {result.told}")
        else:
            yield Finding(
                "bundle", about, "problem", f"computes something else: {result.told}{_cause(result)}", _instead(right)
            )


def _cause(result: GoldenResult) -> str:
    cpu_class = this_host().cpu_class
    if "int8" in result.precision and cpu_class in SATURATING:
        return f"; {cpu_class} has no VNNI, and sums of int8 products do not fit"
    return ""


def _instead(right: GoldenResult | None) -> str:
    if right is None and BACKENDS["openvino"].probe().available:
        return "no engine here is right: ask where it was made for a variant that suits this processor"
    if right is None:
        return "install another engine: pip install 'edgeward[openvino]'"
    return f"use 'auto', which does not take it, or --backend {right.backend} --precision {right.precision}"


def _auto(bundle: Bundle) -> tuple[Choice | None, Finding]:
    try:
        choice = choose_again(bundle)
    except EdgewardError as error:
        return None, Finding("bundle", "auto", "problem", str(error), _instead(None))
    return choice, Finding("bundle", "auto", "ok", f"takes {choice.variant.name} on {choice.backend}")
