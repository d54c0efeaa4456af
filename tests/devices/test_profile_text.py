"""A profile that is written is the profile that is read."""

from pathlib import Path

import pytest
from edgeward.devices import DeviceFigure, DeviceProfile, ProfileError, device_names, device_profile
from edgeward.devices.profile import FIGURES, Capability, Emulation, PowerMode, Source, profile_from_mapping
from edgeward.devices.profile_text import profile_text
from edgeward.devices.toml import tomllib
from hypothesis import given
from hypothesis import strategies as st

texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)
numbers = st.floats(1e-6, 1e9) | st.integers(1, 10**12)
figures = st.builds(DeviceFigure, numbers, st.just("measured"), st.just("here"), st.just("") | texts)
capabilities = st.builds(Capability, texts, st.just("measured"), method=texts) | st.builds(
    Capability, texts, st.just("unavailable"), reason=texts
)
profiles = st.builds(
    DeviceProfile,
    id=texts,
    name=texts,
    form=texts,
    cpu=texts,
    cpu_class=texts,
    vector_bits=st.sampled_from([128, 256, 512]),
    advice=texts,
    figures=st.dictionaries(st.sampled_from(sorted(FIGURES)), figures, min_size=1),
    sources=st.tuples(st.builds(Source, st.just("here"), texts, texts, texts)),
    power_modes=st.lists(
        st.builds(
            PowerMode, texts, st.integers(1, 64), st.just("here"), st.none() | st.floats(1, 1e4), default=st.booleans()
        ),
        max_size=2,
    ).map(tuple),
    notes=st.lists(texts, max_size=2).map(tuple),
    features=st.lists(texts, max_size=3).map(tuple),
    capabilities=st.lists(capabilities, max_size=3).map(tuple),
    software=st.dictionaries(texts, texts, max_size=3),
    probed_under=st.dictionaries(texts, texts, max_size=3),
    emulate=st.none()
    | st.builds(
        Emulation, texts, st.just("0xd08"), st.just("fp asimd"), st.just("correctness-only"), st.just("here"), texts
    ),
)


@given(profiles)
def test_any_profile_survives_being_written(profile: DeviceProfile) -> None:
    assert profile_from_mapping(tomllib.loads(profile_text(profile)), "written") == profile


@pytest.mark.parametrize("name", device_names())
def test_profiles_that_ship_survive_being_written(name: str, tmp_path: Path) -> None:
    file = tmp_path / "copy.toml"
    file.write_text(profile_text(device_profile(name)), encoding="utf-8")
    assert device_profile(file) == device_profile(name)


@pytest.mark.parametrize(
    ("capability", "told"),
    [
        (
            {"name": "power", "status": "guessed", "method": "x"},
            "status must be one of measured, estimated, unavailable",
        ),
        ({"name": "power", "status": "measured"}, "is measured, and has no method"),
        ({"name": "power", "status": "unavailable", "method": "rapl"}, "is unavailable, and has no reason"),
    ],
)
def test_a_capability_says_how_or_why_not(capability: dict[str, str], told: str) -> None:
    values = tomllib.loads(profile_text(device_profile("n100")))
    with pytest.raises(ProfileError, match=told):
        profile_from_mapping({**values, "capability": [capability]}, "n100")
