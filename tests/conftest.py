"""What every test may use: where shared data lies, a policy file, the command line in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("any machine", deadline=None)  # a busy one takes longer for an example, and is right all the same
settings.load_profile("any machine")

ROOT = Path(__file__).parents[1]


def shared_dir() -> Path:
    """Folder of the shared data; may not exist."""
    return Path(os.environ.get("SPANLEDGER_SHARED") or ROOT.parent / "shared")


@pytest.fixture
def shared() -> Path:
    """The shared data; the test is skipped without it."""
    folder = shared_dir()
    if not folder.is_dir():
        pytest.skip("the shared data is not beside the repository (set SPANLEDGER_SHARED)")
    return folder


@pytest.fixture
def spanledger(tmp_path):
    """Run ``spanledger ARGS…`` and get the finished process; ports are picked by the system."""

    def run(*args: str, timeout: float = 60, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "spanledger", *args],
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            cwd=ROOT,
            env=free_ports() | env,
        )

    return run


def free_ports() -> dict[str, str]:
    """This environment with every listener on a free port."""
    names = ("OTLP_GRPC", "OTLP_HTTP", "WEB", "SQL")
    return os.environ | {f"SPANLEDGER_{name}_PORT": "0" for name in names} | {"PYTHONPATH": str(ROOT)}
