"""What a machine tells of itself is read from where it tells it, and what it does not tell is not known."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from edgeward.benchmarks.latency.conditions import (
    cpu_quota,
    disturbance,
    power_mode,
    read_conditions,
    surroundings,
    take_priority,
)


def put(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


def test_a_bare_system_tells_nothing(tmp_path: Path) -> None:
    found = read_conditions(tmp_path)
    assert (found.steal_ticks, found.throttled_ns, found.heat_events, found.khz, found.celsius) == (None,) * 5
    between = disturbance([(found, found)])
    assert (between.steal_share, between.throttled_ms, between.frequency_change) == (None, None, None)
    assert power_mode(tmp_path) == {}
    assert cpu_quota(tmp_path) is None


def test_steal_is_a_share_of_all_time_but_guests(tmp_path: Path) -> None:
    before = read_conditions(put(tmp_path, {"proc/stat": "cpu 10 0 0 90 0 0 0 0 5 5\ncpu0 1 1 1 1 1 1 1 1 1 1\n"}))
    after = read_conditions(put(tmp_path, {"proc/stat": "cpu 60 0 0 136 0 0 0 4 90 90\n"}))
    assert disturbance([(before, after)]).steal_share == pytest.approx(4 / 100)
    assert disturbance([(before, after), (before, before)]).steal_share == pytest.approx(4 / 100)


@pytest.mark.parametrize(
    ("group", "file", "text"),
    [
        (
            "0::/user.slice\n",
            "sys/fs/cgroup/user.slice/cpu.stat",
            "usage_usec 9\nnr_throttled {n}\nthrottled_usec {us}\n",
        ),
        ("0::/hidden\n", "sys/fs/cgroup/cpu.stat", "nr_throttled {n}\nthrottled_usec {us}\n"),
        (
            "3:cpu,cpuacct:/x\n0::/\n",
            "sys/fs/cgroup/cpu,cpuacct/x/cpu.stat",
            "nr_throttled {n}\nthrottled_time {us}000\n",
        ),
        ("3:cpuset:/\n2:cpu:/x\n", "sys/fs/cgroup/cpu/cpu.stat", "nr_periods 4\nthrottled_time {us}000\n"),
    ],
    ids=["v2", "v2 in a container", "v1", "v1 in a container"],
)
def test_throttling_by_a_quota_is_read_from_either_version(tmp_path: Path, group: str, file: str, text: str) -> None:
    put(tmp_path, {"proc/self/cgroup": group, file: text.format(n=1, us=2000)})
    before = read_conditions(tmp_path)
    put(tmp_path, {file: text.format(n=3, us=9000)})
    assert disturbance([(before, read_conditions(tmp_path))]).throttled_ms == pytest.approx(7.0)


def test_throttling_of_a_group_above_stops_us_too(tmp_path: Path) -> None:
    own, above = "sys/fs/cgroup/a/b/cpu.stat", "sys/fs/cgroup/a/cpu.stat"
    text = "nr_throttled 1\nthrottled_usec {us}\n"
    put(tmp_path, {"proc/self/cgroup": "0::/a/b\n", own: text.format(us=0), above: text.format(us=1000)})
    before = read_conditions(tmp_path)
    put(tmp_path, {above: text.format(us=4000)})
    assert disturbance([(before, read_conditions(tmp_path))]).throttled_ms == pytest.approx(3.0)


def test_a_falling_clock_is_a_share_of_the_highest(tmp_path: Path) -> None:
    name = "sys/devices/system/cpu/cpufreq/policy0/scaling_cur_freq"
    readings = [read_conditions(put(tmp_path, {name: f"{khz}\n"})) for khz in (2_400_000, 2_400_000, 1_800_000)]
    assert disturbance([(readings[0], readings[1])]).frequency_change == 0
    assert disturbance([(readings[0], readings[1]), (readings[1], readings[2])]).frequency_change == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("cold", "hot"),
    [
        (
            {"sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count": "4"},
            {"sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count": "5"},
        ),
        (
            {
                "sys/class/thermal/cooling_device0/type": "cpufreq-cpu0",
                "sys/class/thermal/cooling_device0/cur_state": "0",
            },
            {"sys/class/thermal/cooling_device0/cur_state": "2"},
        ),
        (
            {"sys/devices/platform/soc/soc:firmware/get_throttled": "50000\n"},  # it was too hot, once
            {"sys/devices/platform/soc/soc:firmware/get_throttled": "50005\n"},
        ),
    ],
    ids=["Intel", "cooling device", "Raspberry Pi"],
)
def test_heat_that_slows_the_processor_is_counted(tmp_path: Path, cold: dict[str, str], hot: dict[str, str]) -> None:
    before = read_conditions(put(tmp_path, cold))
    assert disturbance([(before, before)]).heat_events == 0
    assert (disturbance([(before, read_conditions(put(tmp_path, hot)))]).heat_events or 0) > 0


@pytest.mark.parametrize(
    "files",
    [
        {"sys/class/thermal/cooling_device0/type": "Processor cpu", "sys/class/thermal/cooling_device0/cur_state": "2"},
        {"sys/devices/platform/soc/soc:firmware/get_throttled": "50005\n"},
    ],
    ids=["cooling device", "Raspberry Pi"],
)
def test_a_processor_that_is_held_back_all_the_time_is_not_at_its_best(tmp_path: Path, files: dict[str, str]) -> None:
    hot = read_conditions(put(tmp_path, files))
    assert (disturbance([(hot, hot)]).heat_events or 0) > 0


def test_a_processor_that_cools_down_does_not_hide_that_it_was_hot(tmp_path: Path) -> None:
    name = "sys/devices/platform/soc/soc:firmware/get_throttled"
    cold, hot = (read_conditions(put(tmp_path, {name: text})) for text in ("0\n", "4\n"))
    assert (disturbance([(cold, hot), (hot, cold)]).heat_events or 0) > 0


def test_the_hottest_plausible_sensor_counts(tmp_path: Path) -> None:
    zones = {
        f"sys/class/thermal/thermal_zone{n}/temp": text for n, text in enumerate(["48123", "61000", "-274000", "0"])
    }
    assert read_conditions(put(tmp_path, zones)).celsius == 61.0


def test_a_jetsons_mode_goes_by_its_name(tmp_path: Path) -> None:
    conf = "< POWER_MODEL ID=0 NAME=15W >\nCPU_A78_0 MIN_FREQ 0\n< POWER_MODEL ID=1 NAME=25W >\n"
    put(tmp_path, {"etc/nvpmodel.conf": conf, "var/lib/nvpmodel/status": "pmode:0001\n"})
    assert power_mode(tmp_path) == {"nvpmodel": "25W"}


def test_a_laptop_tells_its_governor_and_that_it_runs_on_its_battery(tmp_path: Path) -> None:
    supply = "sys/class/power_supply"
    put(
        tmp_path,
        {
            "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "powersave\n",
            f"{supply}/AC/type": "Mains\n",
            f"{supply}/AC/online": "0\n",
            f"{supply}/BAT0/type": "Battery\n",
            f"{supply}/BAT0/status": "Discharging\n",
        },
    )
    assert power_mode(tmp_path) == {"governor": "powersave", "supply": "battery"}
    put(tmp_path, {f"{supply}/AC/online": "1\n"})
    assert power_mode(tmp_path)["supply"] == "mains"


def test_the_battery_of_a_mouse_does_not_feed_the_machine(tmp_path: Path) -> None:
    mouse = "sys/class/power_supply/hidpp_battery_0"
    put(tmp_path, {f"{mouse}/type": "Battery\n", f"{mouse}/scope": "Device\n", f"{mouse}/status": "Discharging\n"})
    assert power_mode(tmp_path) == {}


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({"sys/fs/cgroup/cpu.max": "50000 100000\n"}, 0.5),
        ({"sys/fs/cgroup/cpu.max": "max 100000\n"}, None),
        ({"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/cpu.max": "50000 100000\n"}, 0.5),
        (
            {
                "proc/self/cgroup": "0::/a/b\n",
                "sys/fs/cgroup/a/cpu.max": "25000 100000\n",
                "sys/fs/cgroup/a/b/cpu.max": "max 100000\n",
            },
            0.25,
        ),
        (
            {
                "proc/self/cgroup": "4:cpu,cpuacct:/x\n0::/\n",
                "sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_quota_us": "50000",
                "sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_period_us": "100000",
            },
            0.5,
        ),
        ({"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "150000", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000"}, 1.5),
        ({"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000"}, None),
    ],
)
def test_a_quota_is_told_in_cores(tmp_path: Path, files: dict[str, str], cores: float | None) -> None:
    assert cpu_quota(put(tmp_path, files)) == cores


def test_this_machine_can_be_read() -> None:
    found = read_conditions()
    assert disturbance([(found, found)]).involuntary_switches in (0, None)
    assert set(surroundings()) >= {"power_mode", "load_average_1min", "affinity"}


def test_priority_that_is_not_given_is_said_so(tmp_path: Path) -> None:
    assert take_priority(tmp_path).startswith("not ")
    assert os.getpriority(os.PRIO_PROCESS, 0) > -20


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells it so")
def test_peak_memory_is_that_of_this_process_and_not_of_the_one_that_started_it() -> None:
    held = np.ones(40_000_000)  # 320 MB
    program = "from edgeward.benchmarks.latency.conditions import peak_memory_bytes; print(peak_memory_bytes())"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert 2**20 < int(told) < held.nbytes / 2
