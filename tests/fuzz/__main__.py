"""`python -m tests.fuzz [TARGET ...] [--inputs N] [--seed S]`: fuzz for as long as you like, or see a failure again."""

from __future__ import annotations

import argparse
import secrets
import sys

from tests.fuzz.corpus import save
from tests.fuzz.runner import EPISODE, Broken, run
from tests.fuzz.targets import TARGETS


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--inputs", type=int, default=0, help="inputs per target; 0: as many as in CI")
    parser.add_argument("--seed", type=int, default=None, help="default: a new one")
    parser.add_argument("--episode", type=int, default=None, help="run this episode alone")
    parser.add_argument("--replay", metavar="HEX", help="feed one input to a fresh target")
    parser.add_argument("--save", action="store_true", help="add a failing input to the target's corpus")
    wanted = parser.parse_args()
    seed = wanted.seed if wanted.seed is not None else secrets.randbelow(1 << 32)
    for name in wanted.targets or TARGETS:
        target = TARGETS[name]
        if wanted.replay is not None:
            print(name, "understood" if target.fresh()(bytes.fromhex(wanted.replay)) else "refused")
            continue
        inputs = EPISODE if wanted.episode is not None else wanted.inputs or target.inputs
        try:
            tally = run(target, inputs, seed, wanted.episode or 0)
        except Broken as broken:
            print(broken, file=sys.stderr)
            if wanted.save:
                save(target.corpus, broken.data, broken.why.splitlines()[0])
            return 1
        share = tally.understood / max(tally.inputs, 1)
        pace_us = tally.elapsed_s / max(tally.inputs, 1) * 1e6
        print(
            f"{name:14} {tally.inputs:9} inputs, {share:4.0%} understood, {tally.elapsed_s:6.1f} s "
            f"({pace_us:.1f} us each), slowest {tally.slowest_ms:.1f} ms, seed {seed}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
