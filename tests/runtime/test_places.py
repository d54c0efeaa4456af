"""What a user installs and sets lies where each system has it."""

import sys
from pathlib import Path

import pytest
from edgeward.runtime import Bundle, RequestError, load, open_bundle
from edgeward.runtime.install import install
from edgeward.runtime.places import data_folder, settings_folder
from edgeward.runtime.trust import TrustList, save_trust_list


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EDGEWARD_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", lambda: Path("/home/someone"))


@pytest.mark.parametrize(
    ("platform", "environment", "data", "settings"),
    [
        ("linux", {}, "/home/someone/.local/share/edgeward", "/home/someone/.config/edgeward"),
        ("linux", {"XDG_DATA_HOME": "/d", "XDG_CONFIG_HOME": "/c"}, "/d/edgeward", "/c/edgeward"),
        (
            "linux",
            {"XDG_DATA_HOME": "relative"},
            "/home/someone/.local/share/edgeward",
            "/home/someone/.config/edgeward",
        ),
        ("darwin", {"XDG_DATA_HOME": "/d"}, *["/home/someone/Library/Application Support/edgeward"] * 2),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/edgeward", "/local/edgeward"),
        ("win32", {}, *["/home/someone/AppData/Local/edgeward"] * 2),
        ("linux", {"EDGEWARD_HOME": "/own", "XDG_DATA_HOME": "/d"}, "/own", "/own"),
    ],
)
def test_each_system_has_its_place(
    monkeypatch: pytest.MonkeyPatch, platform: str, environment: dict[str, str], data: str, settings: str
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert (data_folder(), settings_folder()) == (Path(data), Path(settings))


def test_a_user_without_a_home_can_run_bundles_and_is_told_what_else_needs_one(
    monkeypatch: pytest.MonkeyPatch, small_bundle: Bundle
) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    with load(open_bundle(small_bundle.path)) as generator:
        assert len(generator.generate(1).samples) == 1
    for use in (lambda: install(small_bundle), lambda: save_trust_list(TrustList())):
        with pytest.raises(RequestError, match="no home folder; set EDGEWARD_HOME"):
            use()
