"""The first start: when it is ready, when it works again, and its one line when something is missing."""

import fcntl
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.architecture.tree import ROOT


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A small checkout: the real bootstrap and bundle files around a client that was built."""
    copied = ("_bootstrap.py", "__init__.py")
    for name in (
        *(f"hearing_server/{each}" for each in copied),
        "web_client/bundle.py",
        "signaling/native/build.py",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "constraints.txt").write_text("aiohttp==3.14.5\n")
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "toy"\nversion = "1"\n')
    (tmp_path / "web_client" / "main.ts").write_text("document.title = 'court'\n")
    (tmp_path / "signaling" / "native" / "media.c").write_text(
        "int media_sizeof(int which) { return which; }\n"
    )
    return tmp_path


def load(checkout: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location("loaded", checkout / name)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make_ready(checkout: Path, extra: str = "") -> ModuleType:
    """What a finished installation leaves: dist with its stamp, a Python, the stamp of the extra."""
    bundle = load(checkout, "web_client/bundle.py")
    bundle.DIST.mkdir(exist_ok=True)
    (bundle.DIST / "index.html").touch()
    bundle.STAMP.write_text(bundle.source_digest())
    bootstrap = load(checkout, "hearing_server/_bootstrap.py")
    bootstrap.PYTHON.parent.mkdir(parents=True, exist_ok=True)
    bootstrap.PYTHON.touch()
    (bootstrap.VENV / f".ready-{extra or 'run'}").write_text(bootstrap._wanted_stamp(extra))
    bootstrap._ensure_native()
    return bootstrap


def test_ready__after_an_installation__is_true(checkout: Path) -> None:
    bootstrap = make_ready(checkout)
    assert bootstrap._is_ready("")
    assert not bootstrap._is_ready("test")


def test_ready__after_installing_the_test_set__covers_the_server(checkout: Path) -> None:
    assert make_ready(checkout, "test")._is_ready("")


@pytest.mark.parametrize(
    "change",
    [
        lambda root: shutil.rmtree(root / "web_client" / "dist"),
        lambda root: (root / "web_client" / "dist" / ".stamp").unlink(),
        lambda root: (root / "web_client" / "main.ts").write_text("changed"),
        lambda root: (root / "web_client" / "new.ts").touch(),
        lambda root: (root / "config" / "constraints.txt").write_text("aiohttp==3.14.4\n"),
        lambda root: (root / "pyproject.toml").write_text("changed"),
        lambda root: (root / ".venv" / "bin" / "python").unlink(),
    ],
    ids=["dist gone", "stamp gone", "source changed", "source added", "pins", "pyproject", "python gone"],
)
def test_ready__after_a_change__is_false(checkout: Path, change) -> None:  # type: ignore[no-untyped-def]
    bootstrap = make_ready(checkout)
    change(checkout)
    assert not bootstrap._is_ready("")


def test_ready__after_the_build_wrote_its_own_files__stays_true(checkout: Path) -> None:
    bootstrap = make_ready(checkout)
    (checkout / "web_client" / "vant-components.d.ts").touch()
    (checkout / "web_client" / "node_modules").mkdir()
    (checkout / "web_client" / "node_modules" / "vue.js").touch()
    assert bootstrap._is_ready("")


def test_ready__after_the_checkout_moved__is_false(checkout: Path) -> None:
    make_ready(checkout)
    moved = checkout.with_name("moved")
    shutil.copytree(checkout, moved)
    assert not load(moved, "hearing_server/_bootstrap.py")._is_ready("")


def ensure(checkout: Path, *, before: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    code = f"import sys\n{before}\nfrom hearing_server import _bootstrap as b\nb.ensure()\nprint('ready')"
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_ensure__when_ready__says_nothing(checkout: Path) -> None:
    make_ready(checkout)
    done = ensure(checkout)
    assert (done.stdout, done.stderr) == ("ready\n", "")


def test_ensure__on_an_old_python__says_which_is_needed(checkout: Path) -> None:
    done = ensure(checkout, before="sys.version_info = (3, 9, 2)")
    assert done.returncode == 1
    assert "Python 3.11 or newer is needed" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_ensure__without_ensurepip__names_the_package(checkout: Path) -> None:
    blocked = (
        "import importlib.util as util; find = util.find_spec\n"
        "util.find_spec = lambda name, *rest: None if name == 'ensurepip' else find(name, *rest)"
    )
    done = ensure(checkout, before=blocked)
    assert done.returncode == 1
    assert "apt-get install python3-venv" in done.stderr
    assert not (checkout / ".venv").exists()


def test_ensure__without_a_package_index__says_so_and_is_not_ready(checkout: Path) -> None:
    done = ensure(
        checkout, PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_RETRIES="0", PIP_CONFIG_FILE=os.devnull
    )
    assert done.returncode == 1
    assert "package index" in done.stderr.splitlines()[-1]
    assert done.stdout == ""
    assert not list((checkout / ".venv").glob(".ready-*"))


def test_ensure__while_another_start_installs__waits_for_it_and_does_nothing_twice(checkout: Path) -> None:
    bootstrap = make_ready(checkout)
    stamp = bootstrap.VENV / ".ready-run"
    text = stamp.read_text()
    stamp.unlink()
    with (checkout / ".venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        code = "from hearing_server import _bootstrap as b; b.ensure(); print('ready')"
        second = subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=checkout,
            env={**os.environ, "PYTHONPATH": str(checkout)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert second.stderr is not None
        assert "waiting" in second.stderr.readline()
        stamp.write_text(text)
    out, err = second.communicate(timeout=60)
    assert (second.returncode, out, err) == (0, "ready\n", "")


NO_COMPILER = "import shutil\nfind = shutil.which\nshutil.which = lambda name, *rest: None"


def test_ensure__without_a_compiler__says_what_is_missing_once_and_goes_on(checkout: Path) -> None:
    make_ready(checkout)
    (checkout / "signaling" / "native" / "media.c").write_text("int changed;\n")
    done = [ensure(checkout, before=NO_COMPILER) for _ in range(2)]
    assert [each.stdout for each in done] == ["ready\n", "ready\n"]
    assert done[0].stderr == "native forwarding off: no C compiler (apt install gcc libc6-dev)\n"
    assert done[1].stderr == ""


@pytest.mark.skipif(not any(map(shutil.which, ("cc", "gcc", "clang"))), reason="no C compiler")
def test_ensure__after_a_c_file_changed__builds_that_alone_and_then_says_nothing(checkout: Path) -> None:
    make_ready(checkout)
    folder = checkout / "signaling" / "native"
    before = list((folder / "_build").glob("media-*.so"))
    (folder / "media.c").write_text("int media_sizeof(int which) { return -which; }\n")
    done = [ensure(checkout) for _ in range(2)]
    assert [each.stdout for each in done] == ["ready\n", "ready\n"]
    assert done[0].stderr.splitlines()[0] == "Building the native forwarding library …"
    assert "Installing" not in done[0].stderr
    assert done[1].stderr == ""
    after = list((folder / "_build").glob("media-*.so"))
    assert len(before) == len(after) == 1
    assert before != after


@pytest.mark.skipif(not any(map(shutil.which, ("cc", "gcc", "clang"))), reason="no C compiler")
def test_ensure__when_the_c_files_do_not_compile__says_why_and_goes_on(checkout: Path) -> None:
    make_ready(checkout)
    (checkout / "signaling" / "native" / "media.c").write_text("int media_sizeof(int) { return nonsense; }\n")
    done = ensure(checkout)
    assert (done.returncode, done.stdout) == (0, "ready\n")
    assert "native forwarding off: the C compiler failed" in done.stderr.splitlines()[-1]


def test_run_shown__with_a_failing_command__keeps_its_last_lines(
    checkout: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    bootstrap = load(checkout, "hearing_server/_bootstrap.py")
    script = "import sys; [print('line', n) for n in range(100)]; sys.exit(3)"
    tail = bootstrap.run_shown("Trying", [sys.executable, "-c", script])
    assert tail.splitlines()[-1] == "line 99"
    assert len(tail.splitlines()) == 40
    assert "line 0\n" in bootstrap.LOG.read_text()
    shown = capfd.readouterr()
    assert shown.out == ""
    assert "Trying" in shown.err
    assert "failed after" in shown.err


def test_bootstrap__by_its_imports__needs_the_standard_library_alone() -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from hearing_server import _bootstrap\n"
        "bad = [n for n in sys.modules if n.split('.')[0] not in sys.stdlib_module_names"
        " and not n.startswith(('hearing_server', '__'))]; sys.exit(str(bad) if bad else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(ROOT)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
