"""`python -m tests.media.junk_sender PORT PACKETS_PER_S SECONDS SEED [FD]`: a flood, from a process of its own.

A stranger's; with FD, a connected socket that was passed on, that of somebody who is known there. Prints how many
datagrams really left. What they hold: fuzzed checks, records, media and reports, and plain noise.
"""

from __future__ import annotations

import random
import socket
import sys
import time

from tests.fuzz.corpus import hex_lines
from tests.fuzz.mutator import byte_mutator


def main() -> None:
    port, pace, seconds, seed = (int(each) for each in sys.argv[1:5])
    seeds = [*hex_lines("datagram"), *hex_lines("rtp"), *hex_lines("rtcp"), b"", b"noise" * 40]
    mutate, chance = byte_mutator(seeds), random.Random(seed)
    junk = [mutate(chance) for _ in range(2000)]  # made before: the flood must be fast, not clever
    is_known = len(sys.argv) > 5
    with (
        socket.socket(fileno=int(sys.argv[5]))
        if is_known
        else socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ) as enemy:
        enemy.setblocking(False)
        if not is_known:
            enemy.connect(("127.0.0.1", port))
        began, sent = time.monotonic(), 0
        while (elapsed := time.monotonic() - began) < seconds:
            for _ in range(min(int(elapsed * pace) - sent, 200)):
                try:
                    enemy.send(junk[sent % len(junk)])
                except (BlockingIOError, ConnectionError):
                    break
                sent += 1
            time.sleep(0.001)
    print(sent)


if __name__ == "__main__":
    main()
