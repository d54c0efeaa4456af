"""What every lead of an ECG keeps to, whatever the rhythm and however long it is watched."""

from __future__ import annotations

from ....runtime.schema import Limit

SMALLEST_MV = 0.05
"""From the lowest to the highest point: half a millimetre of paper; less is a lead that is off."""
STEEPEST_MV_S = 400.0
"""Beats of the MIT-BIH Arrhythmia Database reach 320 mV/s, of paced ones too."""


def lead_rules(lead: str) -> tuple[Limit, ...]:
    """The rules of a lead, in mV."""
    return Limit("peak_to_peak", lead, least=SMALLEST_MV), Limit("steepest", lead, most=STEEPEST_MV_S)
