"""`python3 -m hearing_server`: sets the checkout up when needed, then is the command `hearing-server`."""

import os
import sys

from hearing_server import _bootstrap


def main() -> None:
    if _bootstrap.is_checkout() and not _bootstrap.is_set_up_here():
        python = str(_bootstrap.ensure())
        os.execv(python, [python, "-m", "hearing_server", *sys.argv[1:]])
    from hearing_server.ops import main as run_command  # only now: its imports need what was just installed

    sys.argv[0] = "hearing-server"
    run_command()


if __name__ == "__main__":
    main()
