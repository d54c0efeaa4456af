"""Whether generated signals hold the same power at every frequency as recorded ones."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.signal import welch

from ....runtime.schema import SignalSchema
from ..figure import Figure, FloatArray, PatientBootstrap, omitted
from ..records import Records

_SHORT = 512
"""Samples up to which a signal is one segment: cut shorter, it would lose the slow waves."""
_HIGHEST_HZ = 40.0
"""Upper end of a monitor's pass band (IEC 60601-2-27); above lie filters and noise."""
_PASSED = 0.8
"""Share of half the sampling rate that an anti-aliasing filter leaves alone."""
_FLOOR = 1e-6
"""Power that counts as none, as a share of the channel's mean real power density: 60 dB below it."""


def power_spectra(values: npt.NDArray[np.floating], rate_hz: float) -> tuple[FloatArray, npt.NDArray[np.floating]]:
    """One-sided power spectral densities, Hann window, mean taken out.

    A short signal is one segment (a periodogram); a longer one is averaged over half-overlapping segments of a
    quarter of it (Welch, IEEE Trans Audio Electroacoust 15(2):70-73, 1967).

    Args:
        values: [n, channels, length] in physical units.
        rate_hz: Sampling rate.

    Returns:
        Frequencies [f] in Hz, and power [n, channels, f] in squared units per Hz.
    """
    length = values.shape[-1]
    frequencies, power = welch(values, rate_hz, nperseg=max(min(length, _SHORT), length // 4))
    return frequencies, power


def spectrum_difference(real: Records, synthetic: Records, schema: SignalSchema) -> dict[str, Figure]:
    """Per channel: mean absolute difference of the mean log-power spectra in dB.

    The interval is over patients of the real records and over the synthetic records, with the sign of the
    difference at each frequency held: absolute values of noisy draws would all lie above the figure.
    """
    if not len(real) or not len(synthetic):
        return {c.name: omitted("no record", n=len(real)) for c in schema.channels}
    bootstraps = PatientBootstrap(real.patients), PatientBootstrap(synthetic.patients)
    # In reverse order, or as many records as patients would be drawn alike.
    weights = bootstraps[0].weights(), bootstraps[1].weights()[::-1]
    figures = {}
    for number, channel in enumerate(schema.channels):
        frequencies, power = power_spectra(real.values[:, number], schema.sampling_rate_hz)
        _, synthetic_power = power_spectra(synthetic.values[:, number], schema.sampling_rate_hz)
        kept = (frequencies > 0) & (frequencies <= min(_HIGHEST_HZ, _PASSED * schema.sampling_rate_hz / 2))
        floor = _FLOOR * float(power[:, kept].mean()) if kept.any() else 0.0
        if not floor > 0:
            figures[channel.name] = omitted("the real channel is constant or too short", n=len(real))
            continue
        means = []
        draws = []
        for bootstrap, drawn, spectra in zip(bootstraps, weights, (power, synthetic_power), strict=True):
            decibels = 10.0 * np.log10(spectra[:, kept].astype(np.float64) + floor)
            means.append(decibels.mean(axis=0))
            counts = drawn @ bootstrap.totals(np.ones(bootstrap.n))
            draws.append(drawn @ bootstrap.totals(decibels) / counts[:, None])
        difference = means[0] - means[1]
        drawn_difference = ((draws[0] - draws[1]) * np.sign(difference)).mean(axis=1).clip(min=0.0)
        if bootstraps[1].patients < 2:
            drawn_difference = np.full_like(drawn_difference, np.nan)
        figures[channel.name] = bootstraps[0].figure(
            float(np.abs(difference).mean()),
            drawn_difference,
            note=f"dB, {frequencies[kept][0]:.3g} to {frequencies[kept][-1]:.3g} Hz",
        )
    return figures
