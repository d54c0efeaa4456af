"""The demo, as a newcomer runs it."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_demo_leaves_a_page_a_bundle_and_beats_all_marked_synthetic(run_edgeward: Run, tmp_path: Path) -> None:
    result = run_edgeward("demo", "-o", tmp_path / "demo", "--seed", "1", timeout=1000)
    assert result.returncode == 0, result.stderr
    assert "not for clinical use" in result.stdout
    page = (tmp_path / "demo" / "index.html").read_text()
    assert "SYNTHETIC DATA - NOT FOR CLINICAL USE" in page
    with np.load(tmp_path / "demo" / "beats.npz", allow_pickle=False) as beats:
        assert beats["synthetic"] == "SYNTHETIC"
    assert run_edgeward("bundle", "verify", tmp_path / "demo" / "ecg-beats.edgeward").returncode == 0
