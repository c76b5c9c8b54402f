"""Pins reproduce, and name no registry: a site's own mirror serves as well."""

import ast
import importlib.metadata
import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.tree import ROOT, name_of, python_files, tracked_files

PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+?)(?: ; .+)?$")
LOCK = ROOT / "web_client" / "package-lock.json"
REGISTRIES = (
    "py" + "pi.org",
    "python" + "hosted.org",
    "npm" + "js.org",
    "npm" + "mirror.com",
    "yarn" + "pkg.com",
)
# Folders of one developer's or builder's machine. Documents name places like /srv and /etc instead.
MACHINE_PATH = re.compile(r"(?<![\w.~*@$)}/-])/(?:work|root|tmp|home)/[\w.]")


def pinned() -> dict[str, set[str]]:
    pins: dict[str, set[str]] = {}
    for line in (ROOT / "config" / "constraints.txt").read_text().splitlines():
        match = PIN.match(line)
        assert match, f"not a bare pin: {line}"
        pins.setdefault(canonicalize_name(match[1]), set()).add(match[2])
    return pins


def declared() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [line for extra in project.get("optional-dependencies", {}).values() for line in extra]
    return [Requirement(line) for line in [*project["dependencies"], *extras]]


@pytest.mark.parametrize("requirement", declared(), ids=lambda requirement: str(requirement.name))
def test_constraints__for_a_declared_package__pin_a_version_it_allows(requirement: Requirement) -> None:
    versions = pinned().get(canonicalize_name(requirement.name), set())
    assert versions, "run ./dev pins"
    assert all(requirement.specifier.contains(version) for version in versions), "run ./dev pins"


# Imported by name at run time: drivers that SQLAlchemy finds by URL, and the parser that redis loads by itself.
LOADED_BY_NAME = {"aiosqlite", "asyncpg", "hiredis"}


def imported_packages(*folders: str) -> set[str]:
    """The distributions whose modules the Python files of these folders import."""
    distributions = importlib.metadata.packages_distributions()
    found: set[str] = set()
    for path in python_files(*folders):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            for name in names:
                found |= {canonicalize_name(owner) for owner in distributions.get(name.split(".")[0], [])}
    return found - {"hearing-server"}


def declared_names(extra: str = "") -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = project["optional-dependencies"][extra] if extra else project["dependencies"]
    return {canonicalize_name(Requirement(line).name) for line in lines}


def test_packages__imported_by_the_product__are_declared() -> None:
    assert not sorted(imported_packages("hearing_server", "signaling", "recorder") - declared_names())


def test_packages__imported_by_tests_and_benches__are_declared() -> None:
    assert not sorted(imported_packages("tests", "bench") - declared_names() - declared_names("test"))


def test_packages__declared_for_the_product__are_used() -> None:
    used = imported_packages("hearing_server", "signaling", "recorder") | LOADED_BY_NAME
    assert not sorted(declared_names() - used), "a package nobody imports is weight and risk"


def test_package_lock__read__has_hashes_and_no_addresses() -> None:
    packages = json.loads(LOCK.read_text())["packages"]
    assert packages.pop(""), "the root package"
    assert not [name for name, entry in packages.items() if "resolved" in entry]
    assert not [name for name, entry in packages.items() if "integrity" not in entry]


def test_package_json__read__asks_for_versions_that_mean_something() -> None:
    package = json.loads((ROOT / "web_client" / "package.json").read_text())
    asked = {**package["dependencies"], **package["devDependencies"]}
    assert not [name for name, version in asked.items() if not re.match(r"[~^]?\d+\.\d+", version)]


def test_node__asked_for_in_three_places__is_one_version() -> None:
    bundle = (ROOT / "web_client" / "bundle.py").read_text()
    wheel = re.search(r'NODE_REQUIREMENT = "(.+)"', bundle)
    assert wheel
    assert wheel[1] in (ROOT / "pyproject.toml").read_text()
    oldest = re.search(r"OLDEST_NODE = \((\d+), (\d+)\)", bundle)
    assert oldest
    engines = json.loads((ROOT / "web_client" / "package.json").read_text())["engines"]["node"]
    assert engines.startswith(f">={oldest[1]}.{oldest[2]}")


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except UnicodeDecodeError:
        return ""


def test_tracked_files__searched__name_no_registry() -> None:
    named = {name_of(path): host for path in tracked_files() for host in REGISTRIES if host in _text(path)}
    assert not named


def test_tracked_files__searched__hold_no_path_of_a_machine() -> None:
    held = {}
    for path in tracked_files():
        if path != LOCK and (match := MACHINE_PATH.search(_text(path))):
            held[name_of(path)] = match[0]
    assert not held
