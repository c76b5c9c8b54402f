"""Lint and types, so that one command covers all."""

import subprocess
import sys

import pytest

from tests.architecture.tree import ROOT


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "tool", [["ruff", "check", "--output-format", "concise", "."], ["mypy"]], ids=["ruff", "mypy"]
)
def test_sources__checked_by_the_tool__are_clean(tool: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *tool], cwd=ROOT, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
