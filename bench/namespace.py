"""A network of this run's own: a private namespace with one veth address, so that every server meets the same kernel.

Janus uses no loopback interface, and its ICE library pairs nothing with 127/8. The address of one end of a veth pair is
an ordinary one to it, while packets between processes of the namespace still cross `lo`: what the kernel does per
packet is the same for every server of the run. The namespace ends with the process: nothing is left to clean up.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import Final

ADDRESS: Final = "10.178.0.1"
LOOPBACK: Final = "127.0.0.1"
_INSIDE: Final = "BENCH_INSIDE_NAMESPACE"
_STEPS: Final = (
    "link set lo up",
    "link add bench0 type veth peer name bench1",
    f"address add {ADDRESS}/24 dev bench0",
    "link set bench0 up",
    "link set bench1 up",
)


def why_not() -> str | None:
    """What is missing for a namespace, in words; None when nothing is."""
    missing = [tool for tool in ("unshare", "ip") if shutil.which(tool) is None]
    if missing:
        return f"{' and '.join(missing)} not installed"
    tried = subprocess.run(
        ["unshare", "--net", "ip", "link", "set", "lo", "up"], capture_output=True, timeout=10
    )
    return None if tried.returncode == 0 else "no right to make a network namespace (run as root)"


def enter() -> str:
    """Start this program again inside a namespace, or find that we are there; the address servers shall use.

    Where no namespace can be had the run goes on outside, on loopback, and says so.
    """
    if os.environ.get(_INSIDE):
        for step in _STEPS:
            subprocess.run(["ip", *step.split()], check=True, capture_output=True, timeout=10)
        return ADDRESS
    reason = why_not()
    if reason is None:
        again = ["unshare", "--net", sys.executable, *sys.orig_argv[1:]]
        os.execvpe(again[0], again, os.environ | {_INSIDE: "1"})
    print(f"no network namespace: {reason}; on loopback, without Janus", flush=True)
    return LOOPBACK
