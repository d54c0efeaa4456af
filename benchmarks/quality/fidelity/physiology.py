"""What the field measures on a signal, chosen by its channels: do generated patients have a heart rate, a pressure?"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from ....runtime.rule_checks import Check as RuleCheck
from ....runtime.rule_checks import range_check, rule_check
from ....runtime.schema import Channel, Order, Rule, SignalSchema
from ..figure import Figure, FloatArray, omitted
from ..records import Records
from . import beats, strips
from .distributions import ks_figures, rate_figure
from .rhythm import LOWEST_RATE_HZ, SHORTEST_S

Values = npt.NDArray[np.floating]
"""[n, channels, length] in physical units."""

_ECG = re.compile(r"ECG|ML?I{1,3}|I{1,3}|AV[RLF]|V[1-6]?", re.IGNORECASE)
_PLETH = re.compile(r"PLETH|PPG", re.IGNORECASE)
_PRESSURE = re.compile(r"ABP|ART|IBP", re.IGNORECASE)
_SPO2 = re.compile(r"SPO2|SAO2", re.IGNORECASE)
_SERIES_PRESSURES = tuple(
    order
    for line in ("", "NI")
    for order in (
        Order(f"{line}DiasABP", f"{line}SysABP", apart=1.0),
        Order(f"{line}DiasABP", f"{line}MAP"),
        Order(f"{line}MAP", f"{line}SysABP"),
    )
)
"""Of systolic, diastolic and mean pressure as numbers of their own, by an arterial line and by a cuff. A judge looks at
all of them beside what real records break; a schema states those that hardly any does."""
_RHYTHM_LEADS = ("II", "MLII", "I", "V5")
"""Where QRS stands out best, best first."""
_HRV = "Task Force of the ESC and NASPE, Circulation 93(5):1043-1065, 1996"
_CSE = "CSE Working Party, Eur Heart J 6(10):815-825, 1985"
_ZONG = "pulses by Zong et al., Comput Cardiol 30:259-262, 2003"
_PULSE_PRESSURE_MMHG = (10.0, 150.0)
"""Narrower is no circulation, or a damped line; wider is hardly seen in the worst aortic regurgitation."""


@dataclass(frozen=True)
class Measurement:
    """One number read off each record, as a clinician or a monitor would."""

    name: str
    unit: str
    """UCUM."""
    title: str
    source: str
    measure: Callable[[Values], FloatArray]
    """From [n, channels, length] to [n]; NaN where it cannot be measured."""


@dataclass(frozen=True)
class Check:
    """A rule that records must keep."""

    name: str
    title: str
    violated: Callable[[Values], npt.NDArray[np.bool_]]
    """From [n, channels, length] to [n]."""


def measurements_for(schema: SignalSchema) -> tuple[Measurement, ...]:
    """What can be measured on such signals; none where nothing is known of the channels."""
    if schema.name == "ecg-beats":
        return _beat_measurements(schema)
    if schema.duration_s <= SHORTEST_S:
        return ()
    rate, found = schema.sampling_rate_hz, _Channels(schema)
    measurements: list[Measurement] = []
    if found.ecg is not None:
        rr = partial(strips.mean_rr_ms, channel=found.ecg, rate_hz=rate)
        measurements += [
            Measurement("rr_interval", "ms", "Mean R-R interval", _HRV, rr),
            Measurement("heart_rate", "/min", "Heart rate", _HRV, lambda values: 60_000.0 / rr(values)),
            Measurement(
                "rmssd",
                "ms",
                "Root mean square of successive R-R differences",
                _HRV,
                partial(strips.rmssd_ms, channel=found.ecg, rate_hz=rate),
            ),
        ]
    if found.pleth is not None:
        pulse = partial(strips.pulse_rate, channel=found.pleth, rate_hz=rate)
        measurements.append(Measurement("pulse_rate", "/min", "Pulse rate of the pleth", _ZONG, pulse))
    if found.ecg is not None and found.pleth is not None:
        delay = partial(strips.r_to_pulse_ms, ecg=found.ecg, pulse=found.pleth, rate_hz=rate)
        measurements.append(
            Measurement(
                "r_to_pleth",
                "ms",
                "From the R peak to the pleth's fastest rise",
                "Allen, Physiol Meas 28:R1, 2007",
                delay,
            )
        )
    if found.pressure is not None:
        for end, title in (("systolic", "Systolic pressure"), ("diastolic", "Diastolic pressure")):
            pressure = partial(_pressure, channel=found.pressure, rate_hz=rate, diastolic=end == "diastolic")
            measurements.append(Measurement(end, "mm[Hg]", title, _ZONG, pressure))
    return tuple(measurements)


def checks_for(schema: SignalSchema) -> tuple[Check, ...]:
    """What such signals must keep to."""
    rate, found = schema.sampling_rate_hz, _Channels(schema)
    gappy = np.array([c.may_be_missing for c in schema.channels])
    outside = partial(_out_of_range, outside=range_check(schema))
    checks = [Check("range", "A value is outside its channel's range, or missing where none may be", outside)]
    if not gappy.all():
        # What is noted down now and then may well stay as it was; a sensor's signal may not.
        checks.append(Check("flat_line", "A channel is constant", partial(_flat, of=~gappy)))
    if found.spo2 is not None:
        only = slice(found.spo2, found.spo2 + 1)
        channel = replace(schema.channels[found.spo2], minimum=0.0, maximum=100.0)
        percent = partial(_out_of_range, outside=range_check(replace(schema, channels=(channel,), rules=())))
        checks.append(Check("spo2", "SpO2 is outside 0 to 100 %", lambda values: percent(values[:, only])))
    checks += _rule_checks(schema)
    if schema.duration_s <= SHORTEST_S or schema.name == "ecg-beats":
        return tuple(checks)
    if found.ecg is not None:
        rr = partial(strips.mean_rr_ms, channel=found.ecg, rate_hz=rate)
        checks.append(Check("r_peaks", "No R peaks are found", partial(_not_found, channel=found.ecg, measure=rr)))
    if found.pleth is not None:
        pulse = partial(strips.pulse_rate, channel=found.pleth, rate_hz=rate)
        no_pulse = partial(_not_found, channel=found.pleth, measure=pulse)
        checks.append(Check("pulses", "No pulses are found in the pleth", no_pulse))
    if found.pressure is not None:
        checks.append(
            Check(
                "pulse_pressure",
                "No pressure pulse is found, or systolic is not {:g} to {:g} mm[Hg] above diastolic".format(
                    *_PULSE_PRESSURE_MMHG
                ),
                partial(_implausible_pressure, channel=found.pressure, rate_hz=rate),
            )
        )
    return tuple(checks)


def physiology_figures(real: Records, synthetic: Records, schema: SignalSchema) -> dict[str, Figure]:
    """How far what is measured on synthetic records is from what is measured on real ones.

    Compare records of the same mix of classes.

    Returns:
        Per measurement the Kolmogorov-Smirnov statistic, and as `violations_<check>` the share of the synthetic
        records that break a rule, with the real ones' share in the note.
    """
    figures: dict[str, Figure] = {}
    measurements = measurements_for(schema)
    if not len(real) or not len(synthetic):
        names = [m.name for m in measurements] + [f"violations_{check.name}" for check in checks_for(schema)]
        return {name: omitted("there is no record", len(real)) for name in names}
    if measurements:
        measured, synthetic_measured = (
            np.stack([m.measure(records.values) for m in measurements], axis=1) for records in (real, synthetic)
        )
        found = ks_figures(measured, real.patients, synthetic_measured, synthetic.patients)
        figures = {m.name: figure for m, figure in zip(measurements, found, strict=True)}
    for check in checks_for(schema):
        note = f"real: {check.violated(real.values).mean():.2%}"
        figures[f"violations_{check.name}"] = rate_figure(
            check.violated(synthetic.values), synthetic.patients, note=note
        )
    return figures


def describe(records: Records, schema: SignalSchema) -> dict[str, tuple[float | None, float | None, float]]:
    """Per measurement its mean and standard deviation, None where it could not be found, and the share measurable."""
    described: dict[str, tuple[float | None, float | None, float]] = {}
    for measurement in measurements_for(schema):
        measured = measurement.measure(records.values)
        known = measured[~np.isnan(measured)]
        described[measurement.name] = (
            float(known.mean()) if len(known) else None,
            float(known.std(ddof=1)) if len(known) > 1 else None,
            len(known) / max(1, len(measured)),
        )
    return described


class _Channels:
    """Which channel is what; None where there is no such channel, or it is sampled too slowly to hold a wave."""

    def __init__(self, schema: SignalSchema) -> None:
        names = [c.name for c in schema.channels]
        quick = schema.sampling_rate_hz >= LOWEST_RATE_HZ
        leads = sorted(
            (index for index, channel in enumerate(schema.channels) if quick and _is(_ECG, channel)),
            key=lambda index: (
                _RHYTHM_LEADS.index(names[index]) if names[index] in _RHYTHM_LEADS else len(_RHYTHM_LEADS)
            ),
        )
        self.ecg = leads[0] if leads else None
        self.pleth = _first(_PLETH, schema) if quick else None
        self.pressure = _first(_PRESSURE, schema, "mm[Hg]") if quick else None
        self.spo2 = _first(_SPO2, schema, "%")


def _is(kind: re.Pattern[str], channel: Channel, unit: str = "") -> bool:
    return bool(kind.fullmatch(channel.name)) and unit in ("", channel.unit)


def _first(kind: re.Pattern[str], schema: SignalSchema, unit: str = "") -> int | None:
    return next((index for index, channel in enumerate(schema.channels) if _is(kind, channel, unit)), None)


def _beat_measurements(schema: SignalSchema) -> tuple[Measurement, ...]:
    rate = schema.sampling_rate_hz
    measurements = []
    for index, channel in enumerate(schema.channels):
        r, t = (partial(of, channel=index, rate_hz=rate) for of in (beats.r_amplitude_mv, beats.t_amplitude_mv))
        measurements += [
            Measurement(f"r_amplitude_{channel.name}", "mV", f"R amplitude in {channel.name}", _CSE, r),
            Measurement(f"t_amplitude_{channel.name}", "mV", f"T amplitude in {channel.name}", _CSE, t),
        ]
    width = partial(beats.qrs_width_ms, rate_hz=rate)
    position = partial(beats.r_position_ms, rate_hz=rate)
    return (
        *measurements,
        Measurement("qrs_width", "ms", "QRS width", "slope envelope, Sörnmo & Laguna 2005, 7.4", width),
        Measurement("r_position", "ms", "R peak, from where it should lie", _CSE, position),
    )


def _pressure(values: Values, *, channel: int, rate_hz: float, diastolic: bool) -> FloatArray:
    return strips.pressures_mmhg(values, channel, rate_hz)[int(diastolic)]


def _rule_checks(schema: SignalSchema) -> list[Check]:
    """The rules of the schema, and that pressures keep their order at every moment at which they are known."""
    pressures = {c.name for c in schema.channels if c.unit == "mm[Hg]"}
    rules: dict[str, Rule] = {r.name: r for r in _SERIES_PRESSURES if {r.lower, r.upper} <= pressures}
    rules |= {rule.name: rule for rule in schema.rules}
    return [
        Check(name, f"Broken: {rule.describe()}", partial(_breaks, check=rule_check(rule, schema)))
        for name, rule in rules.items()
    ]


def _breaks(values: Values, *, check: RuleCheck) -> npt.NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):  # infinity less infinity is not known
        return check(values, {})


def _out_of_range(values: Values, *, outside: Callable[[Values], npt.NDArray[np.bool_]]) -> npt.NDArray[np.bool_]:
    return np.asarray(outside(values).any(axis=1))


def _not_found(values: Values, *, channel: int, measure: Callable[[Values], FloatArray]) -> npt.NDArray[np.bool_]:
    """Whether a wave known at every moment has nothing to measure; of one with gaps that cannot be said."""
    return np.isnan(measure(values)) & _known(values, channel)


def _known(values: Values, channel: int) -> npt.NDArray[np.bool_]:
    return np.asarray(~np.isnan(values[:, channel]).any(axis=1))


def _implausible_pressure(values: Values, *, channel: int, rate_hz: float) -> npt.NDArray[np.bool_]:
    systolic, diastolic = strips.pressures_mmhg(values, channel, rate_hz)
    least, most = _PULSE_PRESSURE_MMHG
    # NaN, where no pulse is found, is in no range.
    plausible = (systolic - diastolic >= least) & (systolic - diastolic <= most)
    return ~plausible & _known(values, channel)


def _flat(values: Values, *, of: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    steady = values[:, of]
    return np.asarray((steady.max(axis=2) == steady.min(axis=2)).any(axis=1))
