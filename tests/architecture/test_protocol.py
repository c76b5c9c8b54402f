"""docs/PROTOCOL.md and the code name the same routes, commands and events."""

import ast
import importlib
import pkgutil
import re

import hearing_server.rest
from tests.architecture.tree import ROOT, python_files

VERBS = {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}
PREFIX = "/api/v1"


def section(number: int) -> str:
    """The text of one numbered section of the protocol."""
    page = (ROOT / "docs" / "PROTOCOL.md").read_text()
    match = re.search(rf"^## {number}\. .*?(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    assert match, f"section {number} is gone"
    return match[0]


def plain(path: str) -> str:
    """A path without prefix, query and names of its variable parts."""
    return re.sub(r"\{[^}]*\}", "{}", path.removeprefix(PREFIX).split("?")[0])


def documented_routes() -> set[str]:
    """`VERB /path` of every row; after a `·` a verb may be left out, and a one-step path is a sibling of the last."""
    found = set()
    for row in re.findall(
        r"^\| ((?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) .*?) \|", section(2), re.MULTILINE
    ):
        verb = last = ""
        for word in re.findall(r"\b[A-Z]{3,7}\b|`/[^`]*`", row):
            if word in VERBS:
                verb, last = word, ""
                continue
            path = plain(word.strip("`"))
            if last and path.count("/") == 1:
                path = last.rsplit("/", 1)[0] + path
            last = path
            found.add(f"{verb} {path}")
    return found


def routes_in_code() -> set[str]:
    """Rows of the route tables, and routes given to aiohttp directly (`router.add_get("/healthz", …)`)."""
    found = set()
    for module in pkgutil.iter_modules(hearing_server.rest.__path__, "hearing_server.rest."):
        for route in getattr(importlib.import_module(module.name), "ROUTES", ()):
            found.add(f"{route.method} {plain(route.path)}")
    for path in python_files("hearing_server"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(
                    func=ast.Attribute(attr="add_get" | "add_post" as name), args=[ast.Constant(at), *_]
                ):
                    found.add(f"{name.removeprefix('add_').upper()} {plain(str(at))}")
    return found


# Answers to browsers rather than to clients of the protocol: the pages of the web client and the API's description.
UNDOCUMENTED = {"GET /openapi.json", "GET /{}", "GET /"}


def test_every_route_in_code__looked_up__stands_in_the_protocol() -> None:
    assert not sorted(routes_in_code() - documented_routes() - UNDOCUMENTED)


def test_every_documented_route__looked_up__is_served() -> None:
    documented = documented_routes()
    assert len(documented) > 40, "the table is read wrongly"
    assert not sorted(documented - routes_in_code())


def documented_socket_words() -> set[str]:
    """Commands (first cell of a row) and events (`name {…}` in the paragraphs that begin with Events)."""
    text = section(3)
    commands = set(re.findall(r"^\| `([a-z]+(?:_[a-z]+)*)` \|", text, re.MULTILINE)) - {"command"}
    events = {
        name
        for line in re.findall(r"^Events: .*$", text, re.MULTILINE)
        for name in re.findall(r"`([a-z]+_[a-z_]+)(?: \{[^`]*)?`", line)
    }
    assert len(commands) > 10, "the tables are read wrongly"
    assert len(events) > 8, "the lists of events are read wrongly"
    return commands | events


def words_in_code() -> set[str]:
    """Every string and every function name of the court floors: where a command or event has to appear."""
    found = set()
    for path in python_files("hearing_server"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found.add(node.name)
    return found


def test_every_documented_command_and_event__looked_up__exists_in_code() -> None:
    assert not sorted(documented_socket_words() - words_in_code())
