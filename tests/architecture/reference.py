"""The generated reference pages: every setting, every error code. `./dev reference` writes them, a test compares."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from hearing_server import errors, settings
from hearing_server.settings import Settings
from signaling.errors import _TITLES as MEDIA_ERRORS
from tests.architecture.tree import ROOT, python_files

WRITTEN_BY = "<!-- Written by `./dev reference` from the sources; change those. -->"


@dataclass(frozen=True, slots=True)
class ErrorEntry:
    """One error code: `status` is 0 for a code that names a field or line inside another error."""

    code: str
    status: int
    en: str
    zh: str


def _classes() -> dict[str, type[errors.HearingError]]:
    """The error tree by class name."""
    found, waiting = {}, [errors.HearingError]
    while waiting:
        one = waiting.pop()
        found[one.__name__] = one
        waiting.extend(one.__subclasses__())
    return found


def _text(node: ast.expr | None) -> str:
    """The words of a string in the source; what is filled in at run time shows as {name}."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return "{" + ast.unparse(node.value).split(".")[-1].lower() + "}"
    return "…"


def _raised_in(path: Path) -> Iterator[ErrorEntry]:
    classes = _classes()
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if name not in classes and name != "FieldError":
            continue
        words = {keyword.arg: keyword.value for keyword in node.keywords}
        code = node.args[0] if node.args else words.get("code")
        if isinstance(code, ast.Constant) and isinstance(code.value, str):
            status = classes[name].status if name in classes else 0
            yield ErrorEntry(code.value, status, _text(words.get("en")), _text(words.get("zh")))


def error_entries() -> list[ErrorEntry]:
    """Every code of the court floors, by code; the first wording met stands for a code that is said in several."""
    found: dict[tuple[str, int], ErrorEntry] = {}
    for plain in (errors.NotSignedIn(), errors.NotFound()):
        found[plain.code, plain.status] = ErrorEntry(plain.code, plain.status, plain.en, plain.zh)
    for path in python_files("hearing_server"):
        for entry in _raised_in(path):
            found.setdefault((entry.code, entry.status), entry)
    return [found[key] for key in sorted(found)]


def _cell(text: object) -> str:
    return str(text).replace("|", "\\|").replace("\n", " ")


def errors_page() -> str:
    lines = [
        WRITTEN_BY,
        "# Error codes",
        "",
        "A code is stable; the sentences may be improved. HTTP answers carry it in `application/problem+json`,",
        "socket acks in `{ok: false, code, title, retryable}`. A *field* code stands in another error's list `errors`.",
        "",
        "## Court",
        "",
        "| code | HTTP | English | 中文 |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| `{entry.code}` | {entry.status or 'field'} | {_cell(entry.en)} | {_cell(entry.zh)} |"
        for entry in error_entries()
    ]
    lines += ["", "## Media", "", "| code | retryable | meaning |", "|---|---|---|"]
    lines += [
        f"| `{code}` | {'yes' if retryable else 'no'} | {_cell(title)} |"
        for code, (title, retryable) in sorted(MEDIA_ERRORS.items())
    ]
    return "\n".join(lines) + "\n"


def _default_of(value: object) -> str:
    if isinstance(value, Path):
        value = value.relative_to(ROOT).as_posix() if value.is_relative_to(ROOT) else value.as_posix()
    return {None: "", "": "", (): ""}.get(value, f"`{value}`")  # type: ignore[call-overload,no-any-return]


def _rows(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        inner = field.annotation
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            variable = "HEARING_" + f"{prefix}{name}".replace(".", "__").upper()
            meaning = _cell(field.description or "")
            yield f"| `{prefix}{name}` | `{variable}` | {_default_of(field.get_default())} | {meaning} |"


def settings_page() -> str:
    table = ["| key in TOML | environment | default | meaning |", "|---|---|---|---|"]
    lines = [WRITTEN_BY, "# Settings", "", (settings.__doc__ or "").strip(), ""]
    lines += ["## The whole server", "", *table, *_rows(Settings, "")]
    for name, field in Settings.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            lines += ["", f"## `[{name}]`", "", (section.__doc__ or "").strip(), "", *table]
            lines += _rows(section, f"{name}.")
    return "\n".join(lines) + "\n"


PAGES = {"docs/SETTINGS.md": settings_page, "docs/ERRORS.md": errors_page}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (ROOT / name).write_text(page())
        print(name)
