"""Put evidence into a bundle: the file for programs, a section of the card for people."""

from __future__ import annotations

import hashlib

from ..benchmarks.quality import EVIDENCE_NAME, Evidence
from ..benchmarks.quality.judge import TEACHER
from ..benchmarks.quality.measures import MEASURES
from ..runtime.bundle import Bundle, read_bundle
from ..runtime.errors import BundleError
from ..runtime.manifest import CARD_NAME, MANIFEST_NAME, FileEntry, Manifest
from ..runtime.rewrite import write_like
from .card import EVIDENCE_HEADING


def attach_evidence(bundle: Bundle, evidence: Evidence) -> Bundle:
    """Replace the bundle by one that holds the evidence, whole or not at all; its variants stay what they are.

    A signature was of the bundle without the evidence, and is left out.

    Raises:
        BundleError: The evidence is about other graphs than the bundle's.
        OutputError: The system refused to write; the bundle is as it was.
    """
    shipped = {variant.name: bundle.manifest.files[variant.file].sha256 for variant in bundle.manifest.variants}
    judged = {source: digest for source, digest in evidence.judged.items() if source != TEACHER}
    if not judged or any(shipped.get(source) != digest for source, digest in judged.items()):
        raise BundleError(f"{bundle.path}: the evidence is about other graphs than this bundle's; judge it again")
    contents = {name: bundle.read(name) for name in bundle.manifest.files}
    before = contents[CARD_NAME].decode().partition(EVIDENCE_HEADING)[0]
    contents[CARD_NAME] = (before + evidence_section(evidence)).encode()
    contents[EVIDENCE_NAME] = evidence.to_bytes()
    files = {name: FileEntry(hashlib.sha256(content).hexdigest(), len(content)) for name, content in contents.items()}
    manifest = Manifest(**{**vars(bundle.manifest), "files": files})
    contents[MANIFEST_NAME] = manifest.to_bytes()
    write_like(bundle, bundle.path, contents, contents.__getitem__)
    return read_bundle(bundle.path)


def evidence_section(evidence: Evidence) -> str:
    """The card's last section, in Markdown."""
    data, effort = evidence.data, evidence.method["effort"]
    test = data["test"]
    lines = [
        EVIDENCE_HEADING,
        "",
        f"Judged against {data['source']}: {test['records']:,} test records of {test['patients']} patients that",
        f"trained nothing; {effort['seeds']} classifiers a row, {effort['shadows']} shadow generators. Intervals are",
        f"95 %, over patients. All figures: `{EVIDENCE_NAME}`.",
        "",
    ]
    if evidence.dp:
        promise = evidence.dp.promise()
        lines += [f"{promise[0].upper()}{promise[1:]} ({evidence.dp.method()}).", ""]
    if data["simulated"]:
        lines += ["**The test patients were simulated: this says nothing about real patients.**", ""]
    lines += ["| generator | axis | light | finding | threshold |", "|---|---|---|---|---|"]
    lines += [f"| {v.source} | {v.axis} | {v.light} | {v.text} | {v.threshold} |" for v in evidence.verdicts]
    sources = evidence.sources()
    lines += ["", f"| measure | {' | '.join(sources)} |", "|---|" + "---|" * len(sources)]
    for name, measure in MEASURES.items():
        figures = [evidence.figure(name, source) for source in sources]
        if any(figures):
            lines.append(f"| {measure.title} | {' | '.join(f.text(3, ' to ') if f else '' for f in figures)} |")
    notes = [*evidence.method["notes"], *data["notes"]]
    lines += ["", "Known limits:", "", *(f"- {note}" for note in notes), ""]
    return "\n".join(lines)
