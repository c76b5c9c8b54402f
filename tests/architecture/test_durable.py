"""One module touches the disk: nothing else in the record, its films or the object store writes, syncs or renames.

So every way a disk can fail is tried by failing that module's calls (tests/recorder/test_every_call.py).
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, name_of, python_files

DURABLE = "recorder/durable.py"
WRITERS = (
    "hearing_server/adapters/object_folder.py",
    "hearing_server/adapters/objects.py",
    "hearing_server/adapters/films.py",
)
_OS = frozenset(
    {
        "open",
        "fdopen",
        "write",
        "writev",
        "pwrite",
        "sendfile",
        "copy_file_range",
        "sync",
        "fsync",
        "fdatasync",
    }
    | {"rename", "renames", "replace", "truncate", "ftruncate", "link", "symlink", "unlink", "remove"}
    | {"mkdir", "makedirs", "rmdir", "removedirs"}
)
_PATH = frozenset(
    {"write_bytes", "write_text", "touch", "mkdir", "rmdir", "unlink", "hardlink_to", "symlink_to"}
)
# Scratch files that nobody keeps: the words handed to a composer, gone with its folder.
_ALLOWED = {("hearing_server/adapters/films.py", "write_text")}


def _looked_at() -> list[Path]:
    return [
        path
        for path in python_files("recorder", "hearing_server")
        if (name_of(path).startswith("recorder/") and name_of(path) != DURABLE) or name_of(path) in WRITERS
    ]


def breaches(tree: ast.AST) -> list[tuple[int, str]]:
    """(line, call) of everything that would change the disk."""
    return [
        (node.lineno, found)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and (found := _breach(node))
    ]


def _breach(call: ast.Call) -> str:
    function = call.func
    if isinstance(function, ast.Name):
        return "open" if function.id == "open" and _writes(call, at=1) else ""
    if not isinstance(function, ast.Attribute):
        return ""
    name, owner = function.attr, function.value
    module = owner.id if isinstance(owner, ast.Name) else ""
    if module in ("os", "shutil"):
        harmless = module == "shutil" and name == "disk_usage"
        return "" if harmless or (module == "os" and name not in _OS) else f"{module}.{name}"
    if _is_durable(owner):
        return ""
    if name == "open" and module != "av":
        return "open" if _writes(call, at=0, by_name=False) else ""
    # str.replace takes two arguments, Path.replace and Path.rename one.
    moves = name in ("replace", "rename") and len(call.args) == 1 and not call.keywords
    return name if name in _PATH or moves else ""


def _is_durable(owner: ast.expr) -> bool:
    """`disk.rename`, `self._disk.rename`, `_DISK.rename`, `Disk().rename`: the module itself."""
    if isinstance(owner, ast.Call):
        owner = owner.func
    last = owner.attr if isinstance(owner, ast.Attribute) else owner.id if isinstance(owner, ast.Name) else ""
    return last.strip("_").lower() in ("disk", "calls")


def _writes(call: ast.Call, *, at: int, by_name: bool = True) -> bool:
    """`by_name`: a mode that only shows while running counts as one that writes; other things than files open too."""
    given: list[ast.expr] = [
        *call.args[at : at + 1],
        *(word.value for word in call.keywords if word.arg == "mode"),
    ]
    mode = given[0] if given else None
    if mode is None:
        return False
    if not isinstance(mode, ast.Constant):
        return by_name
    return isinstance(mode.value, str) and bool(set(str(mode.value)) & set("wax+"))


def test_writers__their_sources_read__reach_the_disk_through_durable_alone() -> None:
    found = [
        f"{name_of(path)}:{line} {call}"
        for path in _looked_at()
        for line, call in breaches(ast.parse(path.read_text(encoding="utf-8")))
        if (name_of(path), call) not in _ALLOWED
    ]
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "os.rename(a, b)", "os.open(p, 1)", "open(p, 'wb')", "p.open('a')", "p.open(mode='r+')", "open(p, m)",
        "p.write_bytes(b)", "p.replace(q)", "p.rename(q)", "p.unlink()", "shutil.rmtree(p)", "os.fsync(f)",
    ],
)  # fmt: skip
def test_rule__given_a_breach__finds_it(line: str) -> None:
    assert breaches(ast.parse(line))


@pytest.mark.parametrize(
    "line",
    [
        "self._disk.rename(a, b)", "Disk().publish(a, b)", "open(p)", "p.open('rb')", "'a'.replace('b', 'c')",
        "os.close(f)", "replace(row, a=1)", "p.read_bytes()",
    ],
)  # fmt: skip
def test_rule__given_what_is_allowed__passes_it(line: str) -> None:
    assert breaches(ast.parse(line)) == []


def test_durable__looked_for__is_where_the_rule_expects_it() -> None:
    assert (ROOT / DURABLE).is_file()
    assert breaches(ast.parse((ROOT / DURABLE).read_text(encoding="utf-8")))
