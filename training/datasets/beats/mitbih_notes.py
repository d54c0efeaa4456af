"""What was decided and left out while reading MIT-BIH, in sentences with counts, for cards and reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..ecg.beat_classes import BEAT_CLASSES
from ..ecg.mitbih_database import RANGE_MV
from .mitbih_beats import RecordBeats

_ONE_RECORD_SHARE = 0.8  # above this, a class's morphology is one person's


def notes(read: Mapping[str, Sequence[RecordBeats]], chosen: Sequence[str]) -> tuple[str, ...]:
    """The visible decisions, one sentence each; `read` holds the records of each split, all classes."""
    found = [
        *_left_out_classes(read, chosen),
        *_past_the_ends(read),
        *_one_record_classes(read["train"], chosen),
        *_same_person(read),
        *_chest_leads(read),
    ]
    everything = [part for parts in read.values() for part in parts]
    found.append(f"{sum(p.not_beats for p in everything)} annotations mark no beat and are not used.")
    clipped = sum(part.clipped for part in everything)
    if clipped:
        found.append(f"{clipped} samples lay outside {RANGE_MV[0]} to {RANGE_MV[1]} mV and are set to its end.")
    return tuple(found)


def _count(parts: Sequence[RecordBeats], name: str) -> int:
    return sum(int((part.classes == name).sum()) for part in parts)


def _left_out_classes(read: Mapping[str, Sequence[RecordBeats]], chosen: Sequence[str]) -> list[str]:
    return [
        f"Class {name} is left out: "
        + ", ".join(f"{_count(parts, name)} beats in {split}" for split, parts in read.items())
        + "."
        for name in BEAT_CLASSES
        if name not in chosen and any(_count(parts, name) for parts in read.values())
    ]


def _past_the_ends(read: Mapping[str, Sequence[RecordBeats]]) -> list[str]:
    found = []
    for split, parts in read.items():
        counts = {name: sum(part.past_the_ends[name] for part in parts) for name in BEAT_CLASSES}
        if any(counts.values()):
            listed = ", ".join(f"{name} {count}" for name, count in counts.items() if count)
            found.append(
                f"In {split}, {sum(counts.values())} beats are left out as their window would reach past "
                f"an end of the record: {listed}."
            )
    return found


def _one_record_classes(train: Sequence[RecordBeats], chosen: Sequence[str]) -> list[str]:
    found = []
    for name in chosen:
        total = _count(train, name)
        largest = max(train, key=lambda part: _count([part], name))
        if len(train) > 1 and _count([largest], name) > _ONE_RECORD_SHARE * total:
            found.append(
                f"{_count([largest], name)} of the {total} {name} beats in train are of record "
                f"{largest.record}: what is learnt about them is mostly one person's."
            )
    return found


def _same_person(read: Mapping[str, Sequence[RecordBeats]]) -> list[str]:
    split_of = {part.record: split for split, parts in read.items() for part in parts}
    if split_of.get("201") == split_of.get("202") or not {"201", "202"} <= split_of.keys():
        return []
    return [
        f"Records 201 ({split_of['201']}) and 202 ({split_of['202']}) are the same person on either side of "
        "the split, as published; a judgement leaves out those of test."
    ]


def _chest_leads(read: Mapping[str, Sequence[RecordBeats]]) -> list[str]:
    others = [
        f"{part.record} {part.chest_lead}" for parts in read.values() for part in parts if part.chest_lead != "V1"
    ]
    return [f"The chest lead is V1 except in {', '.join(sorted(others))}."] if others else []
