"""The web client's own unit tests and type check, run with the Node that built it."""

import importlib.util
import json
import subprocess
from types import ModuleType

import pytest

from tests.architecture.tree import ROOT

WEB = ROOT / "web_client"


@pytest.fixture(scope="module")
def bundle() -> ModuleType:
    spec = importlib.util.spec_from_file_location("web_client_bundle", WEB / "bundle.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not (WEB / "node_modules" / ".package-lock.json").is_file():
        module.install_packages()
    return module


def run_script(bundle: ModuleType, name: str) -> None:
    command, environment = bundle.npm_command()
    done = subprocess.run(
        [*command, "run", name],
        cwd=WEB,
        env={**environment, "CI": "1", "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-4000:]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("script", ["test", "types"])
def test_web_client__checked_by_its_own_script__passes(bundle: ModuleType, script: str) -> None:
    run_script(bundle, script)


def test_node__that_builds_the_client__is_as_new_as_the_client_asks(bundle: ModuleType) -> None:
    command, environment = bundle.npm_command()
    answer = subprocess.run(
        [*command, "version", "--json"], cwd=WEB, env=environment, capture_output=True, timeout=60, check=True
    )
    node = tuple(map(int, json.loads(answer.stdout)["node"].split(".")[:2]))
    assert node >= bundle.OLDEST_NODE
