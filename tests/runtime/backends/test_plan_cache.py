"""Engines are kept for one user, checked before they are read, bounded, and never in the way of running without."""

import hashlib
import os
import stat
import time
from pathlib import Path

import pytest
from edgeward.runtime.backends import plan_cache
from edgeward.runtime.backends.plan_cache import Plan, PlanCache, key_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

PLAN = Plan(b"engine\nof several\0lines", ("noise", "condition"), ("sample",))
FACTS = {"gpu": "Orin", "driver": 12060}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "a" / "engines"


def test_what_was_kept_comes_back_and_nobody_else_may_look(folder: Path) -> None:
    cache = PlanCache(folder)
    assert cache.read("k") == (None, "not built before")
    assert cache.write("k", PLAN, FACTS) == f"kept in {folder}"
    assert cache.read("k") == (PLAN, f"kept in {folder}")
    assert [file.name for file in folder.iterdir()] == ["k.plan"]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_key_is_of_everything_that_decides_and_not_of_the_order() -> None:
    assert key_of(FACTS) == key_of(dict(reversed(FACTS.items())))
    assert len({key_of(facts) for facts in (FACTS, {**FACTS, "driver": 12061}, {"gpu": "Orin"})}) == 3


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_file_that_is_not_as_it_was_written_is_not_read(data: st.DataObject, folder: Path) -> None:
    cache = PlanCache(folder)
    cache.write("k", PLAN, FACTS)
    file = folder / "k.plan"
    content = bytearray(file.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        del content[place:]
    else:
        content[place] ^= data.draw(st.integers(1, 255))
    file.write_bytes(content)
    plan, why = cache.read("k")
    assert plan is None
    assert "it is not as it was written" in why


@pytest.mark.parametrize("head", [b"", b"\n", b"{}\n", b"[]\nx", b'{"format": 2}\nx', b'{"format": 1, "inputs": 5}\nx'])
def test_what_another_version_wrote_is_not_read(head: bytes, folder: Path) -> None:
    folder.mkdir(parents=True, mode=0o700)
    (folder / "k.plan").write_bytes(hashlib.sha256(head).hexdigest().encode() + b"\n" + head)
    plan, why = PlanCache(folder).read("k")
    assert plan is None
    assert "is of no use" in why


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
@pytest.mark.parametrize("mode", [0o777, 0o770])
def test_a_folder_that_others_may_write_to_is_neither_read_nor_written(mode: int, folder: Path) -> None:
    cache = PlanCache(folder)
    cache.write("k", PLAN, FACTS)
    folder.chmod(mode)
    plan, why = cache.read("k")
    assert plan is None
    assert "chmod 700" in why
    assert "not kept" in cache.write("other", PLAN, FACTS)
    assert not (folder / "other.plan").exists()


def test_a_link_is_not_followed(folder: Path, tmp_path: Path) -> None:
    cache = PlanCache(folder)
    cache.write("k", PLAN, FACTS)
    (folder / "k.plan").rename(tmp_path / "elsewhere")
    (folder / "k.plan").symlink_to(tmp_path / "elsewhere")
    assert cache.read("k")[0] is None


def test_where_nothing_can_be_kept_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert PlanCache(None).read("k") == (None, "no cache folder")
    assert PlanCache(None).write("k", PLAN, FACTS).startswith("not kept: ")
    assert PlanCache(tmp_path / "file" / "engines").write("k", PLAN, FACTS).startswith("not kept: ")
    assert PlanCache(tmp_path / "file").write("k", PLAN, FACTS).startswith("not kept: ")
    assert PlanCache(tmp_path / "file").read("k")[0] is None


def test_those_not_used_for_longest_go_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_cache, "_MAX_FILES", 3)
    cache = PlanCache(folder)
    for place, key in enumerate("abc"):
        cache.write(key, PLAN, FACTS)
        os.utime(folder / f"{key}.plan", (1000 + place, 1000 + place))
    cache.read("a")  # used just now
    cache.write("d", PLAN, FACTS)
    assert {file.stem for file in folder.iterdir()} == {"a", "c", "d"}


def test_no_more_bytes_are_kept_than_allowed_but_for_the_newest(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = PlanCache(folder)
    cache.write("a", PLAN, FACTS)
    size = (folder / "a.plan").stat().st_size
    monkeypatch.setattr(plan_cache, "_MAX_TOTAL_BYTES", 2 * size)
    os.utime(folder / "a.plan", (1000, 1000))
    for key in "bc":
        cache.write(key, PLAN, FACTS)
    assert {file.stem for file in folder.iterdir()} == {"b", "c"}
    monkeypatch.setattr(plan_cache, "_MAX_TOTAL_BYTES", 1)
    cache.write("d", PLAN, FACTS)
    assert {file.stem for file in folder.iterdir()} == {"d"}


def test_what_a_killed_process_left_goes_after_a_day(folder: Path) -> None:
    cache = PlanCache(folder)
    cache.write("a", PLAN, FACTS)
    old, new = folder / ".b.plan.00.partial", folder / ".c.plan.00.partial"
    for file in (old, new):
        file.write_bytes(b"")
    day_old = time.time() - 25 * 3600
    os.utime(old, (day_old, day_old))
    cache.write("d", PLAN, FACTS)
    assert not old.exists()
    assert new.exists()
