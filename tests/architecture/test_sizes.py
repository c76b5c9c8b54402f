"""Files hold one idea: none beyond the hard stop, packages' own files hold a docstring, names say what is inside."""

import ast
from pathlib import Path

import pytest

from tests.architecture.tree import PACKAGES, ROOT, name_of, python_files, source_files, tracked_files

HARD_STOP_LINES = 400
# What people carry away as one file to run it without us can't be split.
CARRIED_AWAY = {"docs/check_receipt.py": 600}
# A function that a reader holds in the head. Tables of declarations and the composition root read as one piece.
FUNCTION_LINES = 60
SAYS_NOTHING = {"utils", "util", "helpers", "helper", "manager", "managers", "common", "misc", "data"}
SIZED = (".py", ".c", ".h", ".ts", ".vue", ".css", ".mjs", ".js")


def test_source_files__measured__stay_below_the_hard_stop() -> None:
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in source_files(*SIZED)}
    too_long = {
        name: lines for name, lines in lengths.items() if lines > CARRIED_AWAY.get(name, HARD_STOP_LINES)
    }
    assert not too_long, f"split these, one idea each: {too_long}"


def test_functions__measured__fit_on_a_screen() -> None:
    too_long = {}
    for path in python_files(*PACKAGES):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
                lines = (node.end_lineno or 0) - first.lineno + 1
                if lines > FUNCTION_LINES:
                    too_long[f"{name_of(path)}:{node.name}"] = lines
    assert not too_long, f"split these: {too_long}"


@pytest.mark.parametrize(
    "path", [path for path in python_files(*PACKAGES, "tests") if path.name == "__init__.py"], ids=name_of
)
def test_package_file__read__holds_a_docstring_and_nothing_else(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree), "say in one line what the package is"
    assert len(tree.body) == 1


def test_modules__by_name__say_what_is_inside() -> None:
    vague = [name_of(path) for path in python_files(*PACKAGES, "tests") if path.stem in SAYS_NOTHING]
    assert not vague


def test_top_level__listed__is_the_house_and_nothing_else() -> None:
    house = {*PACKAGES, "web_client", "config", "tests", "bench", "docs"}
    house |= {"pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "dev"}
    found = {path.relative_to(ROOT).parts[0] for path in tracked_files()}
    assert {name for name in found if not name.startswith(".")} <= house
