"""What a user installs and sets lies where each system has it."""

import sys
from pathlib import Path

import pytest
from edgeward.runtime import Bundle, RequestError, load, open_bundle
from edgeward.runtime.install import install
from edgeward.runtime.places import cache_folder, data_folder, settings_folder
from edgeward.runtime.trust import TrustList, change_trust_list


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        *("EDGEWARD_HOME", "EDGEWARD_CACHE", "LOCALAPPDATA"),
        *("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"),
    ):
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


@pytest.mark.parametrize(
    ("platform", "environment", "folder"),
    [
        ("linux", {"EDGEWARD_CACHE": "/own", "EDGEWARD_HOME": "/all"}, "/own"),
        ("linux", {"EDGEWARD_HOME": "/all"}, "/all/cache"),
        ("linux", {"XDG_CACHE_HOME": "/caches"}, "/caches/edgeward"),
        ("linux", {"XDG_CACHE_HOME": "relative"}, "/home/someone/.cache/edgeward"),
        ("linux", {}, "/home/someone/.cache/edgeward"),
        ("darwin", {"XDG_CACHE_HOME": "/caches"}, "/home/someone/Library/Caches/edgeward"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/edgeward/cache"),
        ("win32", {}, "/home/someone/AppData/Local/edgeward/cache"),
    ],
)
def test_the_cache_lies_where_the_system_keeps_caches(
    monkeypatch: pytest.MonkeyPatch, platform: str, environment: dict[str, str], folder: str
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert cache_folder() == Path(folder)


def test_a_user_without_a_home_can_run_bundles_and_is_told_what_else_needs_one(
    monkeypatch: pytest.MonkeyPatch, small_bundle: Bundle
) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    with load(open_bundle(small_bundle.path)) as generator:
        assert len(generator.generate(1).samples) == 1
    for use in (lambda: install(small_bundle), lambda: change_trust_list(lambda _: TrustList())):
        with pytest.raises(RequestError, match="no home folder; set EDGEWARD_HOME"):
            use()
