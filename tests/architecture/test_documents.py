"""Documents that cannot rot: commands they name exist, links lead somewhere."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.architecture import reference
from tests.architecture.tree import ROOT, name_of, source_files

LINK = re.compile(r"!?\[[^\]]*\]\(([^)#\s]+)[^)]*\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
THE_TWO_COMMANDS = ("python3 -m hearing_server", "python3 -m tests")


@pytest.mark.parametrize("command", THE_TWO_COMMANDS)
def test_readme__searched__holds_the_command(command: str) -> None:
    assert command in (ROOT / "README.md").read_text()


def test_ci__read__runs_the_readme_test_command() -> None:
    assert THE_TWO_COMMANDS[1] in (ROOT / ".ci" / "run").read_text()


@pytest.mark.parametrize("path", source_files(".md"), ids=name_of)
def test_document__its_links__lead_to_files(path: Path) -> None:
    targets = [target for target in LINK.findall(FENCE.sub("", path.read_text())) if ":" not in target]
    assert not [target for target in targets if not (path.parent / target).exists()]


def test_dev__asked_for_help__names_every_task_it_has() -> None:
    script = (ROOT / "dev").read_text()
    tasks = set(re.findall(r"^([a-z-]+)\(\)", script, re.MULTILINE)) - {"help"}
    shown = subprocess.run([ROOT / "dev"], capture_output=True, text=True, timeout=30, check=True).stdout
    assert set(re.findall(r"^  ([a-z-]+) ", shown, re.MULTILINE)) == tasks


def test_dev_tasks__named_in_documents__exist() -> None:
    tasks = set(re.findall(r"^([a-z-]+)\(\)", (ROOT / "dev").read_text(), re.MULTILINE))
    named = {
        f"{name_of(path)}: {task}"
        for path in source_files(".md")
        for task in re.findall(r"\./dev ([a-z-]+)", path.read_text())
        if task not in tasks
    }
    assert not named


@pytest.mark.parametrize("name", list(reference.PAGES))
def test_reference_page__made_anew__is_the_one_committed(name: str) -> None:
    assert (ROOT / name).read_text() == reference.PAGES[name](), "run ./dev reference"


def test_every_setting__read_from_the_tree__says_what_it_means() -> None:
    rows = [line for line in reference.settings_page().splitlines() if line.startswith("| `")]
    assert rows
    assert not [row for row in rows if row.endswith("|  |")]


def test_every_error_code__read_from_the_sources__is_dotted_and_has_one_status() -> None:
    entries = reference.error_entries()
    codes = [entry.code for entry in entries if entry.status]
    assert not [code for code in codes if not re.fullmatch(r"[a-z_]+(\.[a-z_]+)+|not_found", code)]
    assert len(codes) == len(set(codes)), "one code, two HTTP statuses"
    assert not [entry.code for entry in entries if not (entry.en and entry.zh)]
