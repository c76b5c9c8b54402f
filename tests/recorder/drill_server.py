"""A fork server for the kill drill: `python -m tests.recorder.drill_server`.

A Python process with the recorder in it takes half a second to start; forked from here it takes a hundredth. Lines on
stdin: `record FOLDER SOCKET STEP` (see `drill_pair`), `film FOLDER FILM LABELS` (compose once) or
`live_film FOLDER FILM LABELS` (compose while it is recorded, for ever); each is answered with the child's pid.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from tests.recorder.drill_pair import bury_everybody, die_with_parent, record

# Little: the drill is about what a kill costs the record, and other tests run beside it.
_FILM_SHARE = b'{"share": 0.1}\n'


def film(folder: Path, target: Path, labels: Path) -> None:
    """Compose once."""
    from recorder.film import compose

    raise SystemExit(compose.main([str(folder), str(target), "--labels", str(labels)]))


def live_film(folder: Path, target: Path, labels: Path) -> None:
    """Compose what is sealed, until killed."""
    from recorder.film.composer import Wanted
    from recorder.film.labels import load_labels
    from recorder.film.live_film import compose_while_recording
    from recorder.redactions import Redactions

    orders, ours = os.pipe()
    os.write(ours, _FILM_SHARE)
    os.nice(19)
    with os.fdopen(orders) as lines:
        compose_while_recording(
            folder, target, Wanted(load_labels(labels), Redactions()), tell=lambda _: None, lines=lines
        )


def _fork(work: str, arguments: list[Path]) -> int:
    pid = os.fork()
    if pid:
        return pid
    die_with_parent()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1):  # the command channel is not the child's
        os.dup2(nothing, descriptor)
    code = 1
    try:
        {"record": record, "film": film, "live_film": live_film}[work](*arguments)
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    os._exit(code)


def main() -> None:
    """Serve until stdin ends."""
    bury_everybody()
    if "film" in sys.argv:
        import recorder.film.compose  # noqa: F401  # forked children find it loaded
    print("ready", flush=True)
    for line in sys.stdin:
        work, *arguments = line.split()
        print(_fork(work, [Path(argument) for argument in arguments]), flush=True)


if __name__ == "__main__":
    main()
