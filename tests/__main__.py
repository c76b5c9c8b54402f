"""`python3 -m tests`: sets up the test tools, the distribution's Chromium and compiler included, then runs every test.

Arguments go to pytest: `python3 -m tests tests/unit -k docket`.
"""

from __future__ import annotations

import glob
import os
import shutil
import sys
from pathlib import Path

from hearing_server import _bootstrap

LOCK_WAIT_S = 300
WORKERS = 2
# Any of these files, or the program, shows that the package is there. Playwright's driver needs libatomic.
WANTED_PACKAGES = {
    "chromium": ("/usr/bin/chromium",),
    "coturn": ("/usr/bin/turnserver",),
    "fonts-noto-cjk": ("/usr/share/fonts/**/NotoSansCJK*", "/usr/share/fonts/**/NotoSansSC*"),
    # The native forwarding library is built and tested as well.
    "gcc": ("/usr/bin/cc", "/usr/bin/gcc", "/usr/bin/clang"),
    "libc6-dev": ("/usr/include/stdio.h",),
    "libatomic1": ("/usr/lib/*/libatomic.so.1", "/usr/lib/libatomic.so.1", "/usr/lib64/libatomic.so.1"),
}
STOP_COTURN = ("systemctl", "disable", "--now", "coturn")


def missing_packages() -> list[str]:
    return [
        package
        for package, places in WANTED_PACKAGES.items()
        if not any(glob.glob(place, recursive=True) for place in places)
    ]


def _apt_get() -> list[str]:
    """The words that start apt-get with the right to install, or an end with what to type."""
    if shutil.which("apt-get") is None:
        _bootstrap.stop(f"install these by hand, here is no apt-get: {', '.join(missing_packages())}")
    apt_get = ["apt-get", "-o", f"DPkg::Lock::Timeout={LOCK_WAIT_S}", "-q"]
    if os.geteuid() == 0:
        return apt_get
    by_hand = f"apt-get install -y --no-install-recommends {' '.join(missing_packages())}"
    if shutil.which("sudo") is None:
        _bootstrap.stop(f"the tests need packages; please run as root: {by_hand}")
    # The environment is named behind sudo because sudo drops it.
    sudo = ["sudo", "-n"]
    if _bootstrap.run_shown("Asking sudo", [*sudo, "true"]) is not None:
        _bootstrap.stop(f"sudo wants a password; please run: sudo {by_hand}")
    return [*sudo, "env", "DEBIAN_FRONTEND=noninteractive", *apt_get]


def ensure_packages() -> None:
    """Install what the tests need from the distribution; says nothing when it is there."""
    missing = missing_packages()
    if not missing:
        return
    apt_get = _apt_get()
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}

    def fetch_lists() -> str | None:
        return _bootstrap.run_shown("Fetching package lists", [*apt_get, "update"], env=env)

    if not glob.glob("/var/lib/apt/lists/*_Packages*"):  # a new machine or image
        fetch_lists()
    install = [*apt_get, "install", "-y", "--no-install-recommends", *missing]
    title = f"Installing {', '.join(missing)} (up to 260 MB, half a minute and more)"
    tail = _bootstrap.run_shown(title, install, env=env)
    if tail is not None:
        tail = fetch_lists()  # lists go stale: the archive drops old versions
        if tail is None:
            tail = _bootstrap.run_shown(title, install, env=env)
    if tail is None and "coturn" in missing and Path("/run/systemd/system").is_dir():
        # The package starts a TURN server open to the network; tests start their own, on loopback.
        _bootstrap.run_shown("Stopping coturn", [*apt_get[: apt_get.index("apt-get")], *STOP_COTURN], env=env)
    if tail is not None:
        _bootstrap.say(tail.rstrip())
        _bootstrap.stop(f"apt-get could not install {', '.join(missing)} (log: {_bootstrap.LOG})")


def prepare() -> str:
    """Set up everything for tests; returns the virtual environment's Python."""
    _bootstrap.check_python()
    ensure_packages()
    return str(_bootstrap.ensure("test"))


def workers(arguments: list[str]) -> list[str]:
    """The whole suite runs in two processes beside each other; whoever names files or workers decides for himself.

    Much of it waits in real time for people, lines and locks. Neighbours stay together, so that what a file or folder
    sets up is mostly set up once; whoever is done early takes from the other.
    """
    decides = any(argument.startswith("-n") or not argument.startswith("-") for argument in arguments)
    return [] if decides else ["-n", str(WORKERS), "--dist", "worksteal"]


def main() -> None:
    python = prepare()
    os.chdir(_bootstrap.ROOT)
    os.execv(python, [python, "-m", "pytest", *workers(sys.argv[1:]), *sys.argv[1:]])


if __name__ == "__main__":
    main()
