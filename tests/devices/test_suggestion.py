"""What suits a machine follows from its figures, and contradicts no advice that was written by hand."""

import dataclasses

import pytest
from edgeward.devices import device_names, device_profile
from edgeward.devices.suggestion import BASIS, suggestions

WORDS = {"openvino": "OpenVINO", "onnxruntime": "onnxruntime", "tensorrt": "TensorRT"}


@pytest.mark.parametrize("name", device_names())
def test_no_suggestion_contradicts_the_advice(name: str) -> None:
    profile = device_profile(name)
    for one in suggestions(profile):
        assert all(WORDS[engine] in profile.advice for engine in one.engines)
        assert one.basis == BASIS
        assert one.reason
    small = suggestions(profile)[0]
    without_int8 = any(
        word in profile.advice for word in ("No int8", "may gain nothing", "No dot product", "gains little")
    )
    assert ("int8" in small.precisions) == (not without_int8)
    if "or float: measure" in profile.advice:
        assert set(small.precisions) == {"int8", "fp32"}


def test_the_ratio_of_measured_figures_outweighs_the_class() -> None:
    profile = device_profile("raspberry-pi-5")
    assert suggestions(profile)[0].precisions == ("int8",)
    slow = dataclasses.replace(profile.figures["int8_gops_core"], value=40.0)
    hardly = dataclasses.replace(profile, figures={**profile.figures, "int8_gops_core": slow})
    assert suggestions(hardly)[0].precisions == ("fp32",)
    assert "1.0 times as fast" in suggestions(hardly)[0].reason


def test_openvino_is_not_suggested_on_arm() -> None:
    for name in device_names():
        profile = device_profile(name)
        arm = profile.cpu_class.startswith("aarch64")
        assert arm != ("openvino" in suggestions(profile)[0].engines)


def test_only_a_machine_with_such_a_gpu_has_a_suggestion_for_large_nets() -> None:
    nets = {name: [one.nets for one in suggestions(device_profile(name))] for name in device_names()}
    assert nets["jetson-orin-nano-8gb"] == ["small", "large"]
    assert nets["raspberry-pi-5"] == ["small"]
