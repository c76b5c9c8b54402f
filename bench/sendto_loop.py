"""Baseline of `bench.forward`: the same datagrams, sent by a Python loop that does nothing else.

No reading, no SRTP, no rewriting: what the kernel's `sendto` and the pacing cost in Python. Same members, sizes, bursts
and rates as the load of the hearing; prints {"cpu_s", "packets"}.
"""

from __future__ import annotations

import argparse
import heapq
import json
import socket
import time

from bench.load import AUDIO_S, PICTURE_S
from bench.member import AUDIO_BYTES, FIVE_EVERY, PART_BYTES, PARTS

AUDIO_PACKET = bytes(12 + 12 + AUDIO_BYTES + 16)  # RTP header, extension, payload, SRTP tag
PICTURE_PACKET = bytes(12 + 8 + 6 + PART_BYTES + 16)


def send(members: int, length_s: float, port: int) -> int:
    """Send for `length_s` in real time; the number of packets."""
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    address, others, packets, picture = ("127.0.0.1", port), members - 1, 0, 0
    began = time.monotonic()
    due = []
    for member in range(members):
        due.append((began + member / members * AUDIO_S, member, 0))
        due.append((began + member / members * PICTURE_S, member, 1))
    heapq.heapify(due)
    while due[0][0] < began + length_s:
        at, member, kind = due[0]
        time.sleep(max(0.0, at - time.monotonic()))
        if kind == 0:
            burst, datagram = 1, AUDIO_PACKET
        else:
            picture += 1
            burst, datagram = PARTS + (picture % FIVE_EVERY == 0), PICTURE_PACKET
        for _ in range(burst * others):
            sender.sendto(datagram, address)
        packets += burst * others
        heapq.heapreplace(due, (at + (PICTURE_S if kind else AUDIO_S), member, kind))
    return packets


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    before_s = time.process_time()
    packets = send(options.members, options.seconds, options.port)
    print(json.dumps({"cpu_s": time.process_time() - before_s, "packets": packets}))


if __name__ == "__main__":
    main()
