"""Reads one or both recorders' folders without our programs (docs/RECORD.md): lists tracks, counts packets, checks all.

python3 read_record.py FOLDER [SECOND] [--track ID --out F.rtpdump]     exit code 1: something is damaged or missing
"""

import argparse
import hashlib
import json
import struct
import sys
from pathlib import Path

HEAD, MAX = struct.Struct(">2sBBIQII"), 1 << 17
TABLE = []
for byte in range(256):  # CRC-32C: RFC 3720 B.4, reflected polynomial 0x82F63B78
    for _ in range(8):
        byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
    TABLE.append(byte)


def record_at(data, at):
    """(kind, at_ns, track, payload) or None when the sync, the length or the checksum is wrong."""
    sync, kind, _, length, at_ns, track, crc = HEAD.unpack(data[at : at + HEAD.size].ljust(HEAD.size))
    payload = data[at + HEAD.size : at + HEAD.size + length]
    if sync != b"\xa5R" or length > MAX:
        return None
    state = 0xFFFFFFFF
    for byte in data[at : at + 20] + payload:
        state = state >> 8 ^ TABLE[(state ^ byte) & 0xFF]
    return (kind, at_ns, track, payload) if state ^ 0xFFFFFFFF == crc else None


def records(data, name, problems):
    at = 0
    while at < len(data):
        found = record_at(data, at)
        if found is None:
            start, at = at, at + 1
            while at < len(data) and record_at(data, at) is None:
                at = data.find(b"\xa5R", at + 1) % (len(data) + 1)  # not found: the end
            problems.append(f"{name}: {at - start} bytes at {start} cannot be read")
            continue
        yield found
        at += HEAD.size + len(found[3])


def segments(folder, problems):
    """(name, bytes that count) in order; the chain is checked on the way."""
    files = sorted((folder / "journal").glob("[0-9]" * 8 + ".*"))
    read = [(path.name, path.read_bytes()) for path in files if path.suffix in (".seg", ".part")]
    heads = [record_at(data, 0) for _, data in read]
    heads = [json.loads(head[3]) if head and head[0] == 1 else None for head in heads]
    before = (0, "", 0)
    for place, (name, data) in enumerate(read):
        after = heads[place + 1] if place + 1 < len(read) else None
        if after is not None and after["previous"] == int(name[:8]):
            data = data[: after["previous_bytes"]]
        head = heads[place]
        if head is None or (head["previous"], head["previous_sha256"], head["previous_bytes"]) != before:
            problems.append(f"{folder.name}/{name}: the chain is broken before it")
        before = (int(name[:8]), hashlib.sha256(data).hexdigest(), len(data))
        yield f"{folder.name}/{name}", data


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--track", help="track_id")
    parser.add_argument("--out", type=Path, default=Path("track.rtpdump"))
    asked, problems, infos, packets, wall = parser.parse_args(), [], {}, {}, {}
    for folder in asked.folders:
        names = {}  # track numbers are each journal's own; the track_id is the same in both
        for name, data in segments(folder, problems):
            for kind, at_ns, track, payload in records(data, name, problems):
                if kind == 1:
                    head = json.loads(payload)
                    boot = wall.setdefault(head["boot_id"], int(head["utc_ns"]) - int(head["monotonic_ns"]))
                elif kind == 2:
                    info = json.loads(payload)
                    names[track] = info["track_id"]
                    infos.setdefault(info["track_id"], info)
                elif kind == 3 and track in names:  # one packet stands in both with the same moment and bytes
                    packets.setdefault(names[track], {})[boot + at_ns, payload] = None
    for name, info in infos.items():
        found = [payload for _, payload in packets.get(name, {})]
        print(name, info["identity"], info["source"], info["codec"], len(found), sum(map(len, found)))
    if asked.track:
        found = sorted(packets.get(asked.track, {}), key=lambda packet: packet[0])
        start = found[0][0] if found else 0
        with asked.out.open("wb") as out:  # rtpdump: a header, then length, RTP length, milliseconds, RTP
            out.write(b"#!rtpplay1.0 0.0.0.0/0\n" + struct.pack(">IIIHH", 0, 0, 0, 0, 0))
            for at_ns, data in found:
                out.write(struct.pack(">HHI", len(data) + 8, len(data), (at_ns - start) // 10**6) + data)
    print("\n".join(problems) or "intact", file=sys.stderr)
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
