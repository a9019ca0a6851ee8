"""What unit tests of several files use."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from collector.redaction import Redactor, budget, engine

_FASTER = 1_000


@pytest.fixture(autouse=True)
def unhurried(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Redaction has the time of a machine a thousand times as fast: what is found must not depend on how busy this one is.
    Tests of the time itself are marked ``hurried``.
    """
    if request.node.get_closest_marker("hurried") is None:
        for module, name in ((budget, "BUDGET_S"), (budget, "LOOK_S"), (budget, "REST_S"), (engine, "LOOK_S")):
            monkeypatch.setattr(module, name, _FASTER * getattr(module, name))


@pytest.fixture(scope="session")
def survivors() -> Callable[[list[str], list[str]], list[tuple[str, str]]]:
    """Of some values in some texts (``@V@`` stands for the value): text and what came out, where the value, or a half of it, can still be read."""
    redactor = Redactor()

    def find(values: list[str], texts: list[str]) -> list[tuple[str, str]]:
        cases = [(value, text.replace("@V@", value)) for value in values for text in texts]
        found = []
        for (value, text), out in zip(cases, redactor.redact_batch([text for _, text in cases]), strict=True):
            half = len(value) // 2
            long = len(re.sub(r"[^0-9A-Za-z]", "", value)) > 8
            if value in out or (long and (value[: half + 2] in out or value[half - 2 :] in out)):
                found.append((text, out))
        return found

    return find


@pytest.fixture
def sanitized(tmp_path: Path) -> Callable[..., None]:
    """Compiles a program in C with others of these files, and runs it under the sanitizers for addresses and undefined behaviour."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler here")

    def run(program: str, *sources: Path) -> None:
        (tmp_path / "program.c").write_text(program)
        flags = ["-std=c11", "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
        made = subprocess.run(
            [compiler, *flags, "-o", "program", "program.c", *map(str, sources)], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        if "cannot find" in made.stderr:
            pytest.skip("this compiler has no sanitizers")
        assert made.returncode == 0, made.stderr
        ran = subprocess.run([tmp_path / "program"], capture_output=True, text=True, check=False)
        assert ran.returncode == 0, f"{ran.returncode} {ran.stderr}"

    return run
