"""Lines of tegrastats from JetPack 3 to 7: nothing is lost, nothing made up.

TX1, NANO and XAVIER_NX are lines that boards printed, as found in public repositories. ORIN, AGX_ORIN_7 and THOR are
put together from words that boards printed (jetson_stats#894, WendyOS#1316), with fewer cores.
"""

import pytest
from edgeward.devices.tegrastats import CoreLoad, EngineLoad, Rail, read_tegrastats
from hypothesis import given
from hypothesis import strategies as st

TX1 = (
    "RAM 3607/3983MB (lfb 47x4MB) SWAP 873/8192MB (cached 281MB) "
    "cpu [17%,11%,65%,off]@1734 EMC 1%@1600 APE 25 GR3D 39%@76"
)
NANO = (
    "RAM 1766/3964MB (lfb 197x4MB) SWAP 0/2048MB (cached 0MB) IRAM 0/252kB(lfb 252kB) CPU [24%@1224,15%@1224,off,off] "
    "EMC_FREQ 0% GR3D_FREQ 0% PLL@21C CPU@25C PMIC@100C GPU@23.5C AO@33.5C thermal@24.5C "
    "POM_5V_IN 2545/2547 POM_5V_GPU 0/0 POM_5V_CPU 549/529"
)
XAVIER_NX = (
    "RAM 2690/6854MB (lfb 6x1MB) SWAP 479/3427MB (cached 3MB) CPU [3%@1904,7%@1906,1%@1905,0%@1907,off,off] "
    "EMC_FREQ 0%@1600 GR3D_FREQ 0%@[510] VIC_FREQ 601 APE 150 AUX@39C CPU@39.5C AO@37.5C GPU@37.5C PMIC@50C "
    "VDD_IN 5079mW/5079mW VDD_CPU_GPU_CV 696mW/696mW VDD_SOC 1104mW/1104mW"
)
ORIN = (
    "02-01-2026 10:00:00 RAM 4722/7844MB (lfb 4x4MB) SWAP 0/3922MB (cached 0MB) CPU [23%@2201,10%@2201] "
    "EMC_FREQ 2%@1866 "
    "GR3D_FREQ 10%@1300 NVDEC off NVJPG off VIC off OFA off APE 174 cv0@-256C cpu@50.5C soc2@48.1C tj@50.5C "
    "VDD_IN 5520mW/5400mW VDD_CPU_GPU_CV 1216mW/1216mW VDD_SOC 1500mW/1400mW"
)
AGX_ORIN_7 = (
    "07-25-2026 09:08:28 RAM 20642/62817MB (lfb 1x2MB) CPU [23%@2201,10%@2201] EMC_FREQ 3%@3199 "
    "GR3D_FREQ 12%@[1300,1300] "
    "NVENC0 off NVDEC0 off APE 174 cpu@52.968C/52.968C tj@53.1C/53.1C "
    "VDD_GPU_SOC 5139mW/5139mW/5139mW VDD_CPU_CV 1233mW/1200mW/1233mW VIN_SYS_5V0 4545mW/4545mW/4545mW"
)
THOR = (
    "RAM 9000/125772MB (lfb 1x4MB) CPU [0%@1000,off] GR3D_FREQ @[1000,1000,1000] gpu@62.906C cpu@60C "
    "VDD_GPU 9000mW/9100mW VDD_CPU_SOC_MSS 11000mW/11000mW VIN 41000mW/40500mW"
)


def test_the_old_form_tells_one_clock_for_all_cores() -> None:
    reading = read_tegrastats(TX1)
    assert reading is not None
    assert reading.cores == (CoreLoad(0.17, 1734), CoreLoad(0.11, 1734), CoreLoad(0.65, 1734), None)
    assert reading.gpu == EngineLoad(0.39, (76,))
    assert reading.memory == EngineLoad(0.01, (1600,))
    assert (reading.rails, reading.board_watts) == ({}, None)


def test_the_old_nano_tells_milliwatts_without_a_unit() -> None:
    reading = read_tegrastats(NANO)
    assert reading is not None
    assert (reading.ram_used_mb, reading.ram_total_mb, reading.swap_used_mb) == (1766, 3964, 0)
    assert reading.cores == (CoreLoad(0.24, 1224), CoreLoad(0.15, 1224), None, None)
    assert reading.gpu == EngineLoad(0.0, ())
    assert reading.rails == {
        "POM_5V_IN": Rail(2.545, 2.547),
        "POM_5V_GPU": Rail(0.0, 0.0),
        "POM_5V_CPU": Rail(0.549, 0.529),
    }
    assert reading.board_watts == 2.545
    assert reading.celsius["gpu"] == 23.5


def test_a_clock_in_brackets_is_that_of_one_cluster() -> None:
    reading = read_tegrastats(XAVIER_NX)
    assert reading is not None
    assert reading.gpu == EngineLoad(0.0, (510,))
    assert reading.board_watts == 5.079
    assert set(reading.celsius) == {"aux", "cpu", "ao", "gpu", "pmic"}


def test_jetpack_6_begins_with_the_time_and_hides_sensors_that_are_off() -> None:
    reading = read_tegrastats(ORIN)
    assert reading is not None
    assert reading.gpu == EngineLoad(0.10, (1300,))
    assert reading.memory == EngineLoad(0.02, (1866,))
    assert reading.celsius == {"cpu": 50.5, "soc2": 48.1, "tj": 50.5}
    assert reading.board_watts == 5.52
    assert reading.rails["VDD_SOC"] == Rail(1.5, 1.4)


def test_jetpack_7_tells_limits_beside_temperatures_and_three_powers_a_rail() -> None:
    reading = read_tegrastats(AGX_ORIN_7)
    assert reading is not None
    assert reading.gpu == EngineLoad(0.12, (1300, 1300))
    assert reading.celsius == {"cpu": 52.968, "tj": 53.1}
    assert reading.rails["VDD_CPU_CV"] == Rail(1.233, 1.2)
    assert set(reading.rails) == {"VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0"}
    assert reading.board_watts is None, "no rail of this board is its total"


def test_thor_tells_no_load_of_its_gpu() -> None:
    reading = read_tegrastats(THOR)
    assert reading is not None
    assert reading.gpu == EngineLoad(None, (1000, 1000, 1000))
    assert reading.board_watts == 41.0
    assert reading.memory is None
    without = read_tegrastats(THOR.replace("GR3D_FREQ @[1000,1000,1000] ", ""))
    assert without is not None
    assert without.gpu is None


@pytest.mark.parametrize("line", ["", "tegrastats: command not found", "usage: tegrastats [--interval ms]"])
def test_another_line_is_none_of_tegrastats(line: str) -> None:
    assert read_tegrastats(line) is None


@pytest.mark.parametrize("line", [TX1, NANO, XAVIER_NX, ORIN, AGX_ORIN_7, THOR])
@given(data=st.data())
def test_a_word_that_is_not_known_changes_nothing(line: str, data: st.DataObject) -> None:
    words = line.split(" ")
    # Between a name and its value none comes; `[` begins a list, which is one word.
    places = [number for number, word in enumerate(words) if word in ("RAM", "EMC_FREQ", "VDD_IN", "APE")] + [
        len(words)
    ]
    place = data.draw(st.sampled_from(places))
    unknown = data.draw(
        st.sampled_from(["NVENC1 off", "XYZ", "FOO_FREQ 12%@300", "PVA0 off", "dla0@", "(new)", "7%", "é"])
    )
    changed = " ".join([*words[:place], unknown, *words[place:]])
    assert read_tegrastats(changed) == read_tegrastats(line)


@given(st.text(alphabet="RAMCPUGD3_FEQVIN0123456789/%@[],()mWB .-", max_size=200))
def test_no_line_makes_it_fail(text: str) -> None:
    read_tegrastats(text)
    read_tegrastats("RAM 1/2MB " + text)


@given(
    used=st.integers(0, 10**6),
    cores=st.lists(st.none() | st.tuples(st.integers(0, 100), st.integers(1, 5000)), max_size=14),
    rails=st.dictionaries(st.from_regex(r"V[A-Z][A-Z0-9_]{1,12}", fullmatch=True), st.integers(0, 10**6), max_size=6),
)
def test_what_is_written_is_read(used: int, cores: list[tuple[int, int] | None], rails: dict[str, int]) -> None:
    listed = ",".join("off" if core is None else f"{core[0]}%@{core[1]}" for core in cores)
    powers = " ".join(f"{name} {mw}mW/{mw}mW" for name, mw in rails.items())
    reading = read_tegrastats(f"RAM {used}/{used}MB (lfb 1x4MB) CPU [{listed}] GR3D_FREQ 5%@300 {powers}")
    assert reading is not None
    assert reading.ram_used_mb == used
    assert reading.cores == tuple(None if core is None else CoreLoad(core[0] / 100, core[1]) for core in cores)
    assert {name: rail.watts for name, rail in reading.rails.items()} == {name: mw / 1000 for name, mw in rails.items()}
