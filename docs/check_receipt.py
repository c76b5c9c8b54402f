"""Checks receipts of acts, and a recording's files against them, without our programs (docs/TRUST.md).

python3 check_receipt.py PATH [--policy FILE] [--quiet]

PATH is a receipt, or a folder with receipts and recordings anywhere below it. Only Python's own library is used, 3.9 or
newer. The signature of a time stamp is left to the program `openssl`; everything else is checked here.
Exit code 0: nothing wrong; 1: each problem on a line with its code; 2: nothing could be read.
"""

import argparse
import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from pathlib import Path

MAX_BYTES, MAX_ENTRY_BYTES, MAX_PATH, MAX_WHOLE = 1 << 20, 4096, 63, (1 << 53) - 1
FIELDS = {"format", "entry", "disclosed", "proof", "log", "witnesses", "time_stamp"}
HOLDS, FAILS, OPEN = "holds", "fails", "open"
DASH = "\u2014 "
LAST_SECOND = 253402300799  # of the year 9999


class Wrong(ValueError):
    """A step fails; the text says why."""


def need(is_so, why):
    if not is_so:
        raise Wrong(why)


# Ed25519, RFC 8032 section 5.1: points as (X, Y, Z, T) with x = X/Z, y = Y/Z, T = XY/Z.
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_1 = pow(2, (P - 1) // 4, P)


def added(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number, point):
    total = (0, 1, 1, 0)
    while number:
        if number & 1:
            total = added(total, point)
        point, number = added(point, point), number >> 1
    return total


def point_of(data):
    """The point that 32 bytes stand for, or None (section 5.1.3)."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_1 % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


def bytes_of(point):
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


BASE = point_of((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


@lru_cache(maxsize=4096)
def is_signed(key, message, signature):
    """Whether [S]B = R + [k]A (section 5.1.7, the form without cofactor)."""
    point, s = point_of(key), int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or point is None or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    return bytes_of(added(times(s, BASE), times(L - k, point))) == signature[:32]


# Text forms


def canonical(value):
    """RFC 8785 for text, whole numbers, booleans, null, arrays and objects."""
    if value is None or isinstance(value, (bool, str)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int):
        need(abs(value) <= MAX_WHOLE, "a number is too large")
        return str(value)
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    need(isinstance(value, dict), "a fraction")
    names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
    return "{" + ",".join(f"{canonical(name)}:{canonical(value[name])}" for name in names) + "}"


def read_json(data):
    """The value of canonical JSON bytes; another form of the same value is refused, and so is a name given twice."""
    try:
        value = json.loads(data.decode("utf-8"))
        need(canonical(value).encode("utf-8") == data, "the JSON is not canonical")
    except (ValueError, RecursionError) as error:
        raise Wrong(str(error)) from None
    return value


def from_base64(text):
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (ValueError, UnicodeError):
        raise Wrong("not base64") from None
    need(base64.b64encode(data).decode() == text, "base64 is not in its canonical form")
    return data


def number_of(text):
    need(re.fullmatch(r"0|[1-9][0-9]{0,18}", text) is not None, "not a number")
    need(int(text) < 1 << 63, "a number is too large")
    return int(text)


def wire_moment(text):
    """A moment as it is written everywhere: 2026-03-02T04:03:00.000Z."""
    need(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text, re.ASCII) is not None, "not a moment")
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)  # noqa: UP017
    except ValueError:
        raise Wrong("a moment that does not exist") from None


def is_hex_hash(value):
    return isinstance(value, str) and re.fullmatch(r"[0-9a-f]{64}", value) is not None


class Key:
    """A verifier key: <name>+<key id>+<base64(type, 32 bytes)>. Type 1 signs logs, type 4 is a witness."""

    def __init__(self, text, kind):
        need(isinstance(text, str), "a key is text")
        parts = text.split("+", 2)
        need(len(parts) == 3 and parts[0] and not re.search(r"\s", parts[0]), "not a verifier key")
        self.name, blob = parts[0], from_base64(parts[2])
        self.id = hashlib.sha256(self.name.encode() + b"\n" + blob).digest()[:4]
        need(parts[1] == self.id.hex(), "the key's id is not the key's")
        need(len(blob) == 33 and blob[0] == kind, "a key of another type")
        self.bytes, self.text = blob[1:], text


class Checkpoint:
    """A signed note with its three lines, and the signature lines as (name, key id, signature)."""

    def __init__(self, note):
        text, blank, lines = note.rpartition("\n\n")
        need(blank and lines.endswith("\n"), "the checkpoint has no signatures")
        self.text, self.lines = text + "\n", []
        need(not re.search(r"[\x00-\x09\x0b-\x1f]", note), "a control character in the checkpoint")
        head = text.split("\n")
        need(len(head) >= 3 and all(head), "a checkpoint has three lines at least, none empty")
        self.origin, self.size, self.root = head[0], number_of(head[1]), from_base64(head[2])
        need(len(self.root) == 32, "the root is not a hash")
        for line in lines[:-1].split("\n"):
            name, space, blob = line[len(DASH) :].rpartition(" ")
            need(
                line.startswith(DASH) and space and name and not re.search(r"[\s+]", name),
                "no signature line",
            )
            data = from_base64(blob)
            need(len(data) > 4, "a signature line without a signature")
            self.lines.append((name, data[:4], data[4:]))

    def of(self, key):
        """The signatures under a key's name and id."""
        return [signature for name, key_id, signature in self.lines if (name, key_id) == (key.name, key.id)]

    def is_cosigned(self, key, signature):
        if len(signature) != 72:
            return False
        seconds = int.from_bytes(signature[:8], "big")
        message = f"cosignature/v1\ntime {seconds}\n{self.text}".encode()
        return seconds <= LAST_SECOND and is_signed(key.bytes, message, signature[8:])


class Proof:
    """A tlog-proof@v1 file: index, path, checkpoint."""

    def __init__(self, text):
        need(isinstance(text, str), "the proof is text")
        head, blank, note = text.partition("\n\n")
        lines = head.split("\n")
        need(lines[0] == "c2sp.org/tlog-proof@v1" and blank and len(lines) > 1, "not a tlog-proof@v1")
        need(lines[1].startswith("index "), "the proof has no index")
        self.index = number_of(lines[1][6:])
        self.path = [from_base64(line) for line in lines[2:]]
        need(
            len(self.path) <= MAX_PATH and all(len(each) == 32 for each in self.path), "not 63 hashes at most"
        )
        self.checkpoint = Checkpoint(note)


# Time stamps: as much of DER (X.690) and RFC 3161 as says what is stamped, and when.


def der(data, at=0, tag=None):
    """(content, place behind it) of the value at a place."""
    need(at + 2 <= len(data), "the time stamp is cut off")
    need(tag is None or data[at] == tag, "the time stamp is not as RFC 3161 says")
    size, at = data[at + 1], at + 2
    if size & 0x80:
        count = size & 0x7F
        need(0 < count <= 4 and at + count <= len(data), "a length of the time stamp is wrong")
        size = int.from_bytes(data[at : at + count], "big")
        need(size >= 0x80 and data[at] != 0, "a length of the time stamp is not DER")
        at += count
    need(at + size <= len(data), "the time stamp is cut off")
    return data[at : at + size], at + size


def stamped(token):
    """(imprint, moment) of a TimeStampResp with a token that is granted; its signature is not looked at."""
    answer, end = der(token, tag=0x30)
    need(end == len(token), "more than a time stamp")
    status, at = der(answer, tag=0x30)
    need(der(status, tag=0x02)[0] in (b"\x00", b"\x01"), "the time stamp was not granted")
    content, end = der(answer, at, 0x30)
    need(end == len(answer), "more than a time stamp")
    kind, at = der(content, tag=0x06)
    need(kind == bytes.fromhex("2a864886f70d010702"), "not signed data")
    signed, _ = der(der(content, at, 0xA0)[0], tag=0x30)
    _, at = der(signed, tag=0x02)
    _, at = der(signed, at, 0x31)
    wrapped, _ = der(signed, at, 0x30)
    kind, at = der(wrapped, tag=0x06)
    need(kind == bytes.fromhex("2a864886f70d0109100104"), "not a time stamp's content")
    info, _ = der(der(der(wrapped, at, 0xA0)[0], tag=0x04)[0], tag=0x30)
    _, at = der(info, tag=0x02)
    _, at = der(info, at, 0x06)
    imprint, at = der(info, at, 0x30)
    algorithm, behind = der(imprint, tag=0x30)
    need(der(algorithm, tag=0x06)[0] == bytes.fromhex("608648016503040201"), "the stamp is not over SHA-256")
    _, at = der(info, at, 0x02)
    moment = re.fullmatch(rb"(\d{14})(\.\d*[1-9])?Z", der(info, at, 0x18)[0])
    need(moment is not None, "the stamp's moment cannot be read")
    try:
        whole = datetime.strptime(moment[1].decode(), "%Y%m%d%H%M%S").replace(tzinfo=timezone.utc)  # noqa: UP017
    except ValueError:
        raise Wrong("the stamp's moment does not exist") from None
    milliseconds = int(((moment[2] or b".").decode()[1:] + "000")[:3])
    return der(imprint, behind, 0x04)[0], whole + timedelta(milliseconds=milliseconds)


@lru_cache(maxsize=256)
def is_stamp_signed(token, digest, at, roots):
    """What `openssl ts -verify` says with these roots at the stamp's own moment; None without that program."""
    program = shutil.which("openssl")
    if program is None:
        return None
    with (
        tempfile.NamedTemporaryFile(suffix=".tsr") as answer,
        tempfile.NamedTemporaryFile(suffix=".pem") as pem,
    ):
        answer.write(token)
        answer.flush()
        pem.write(roots)
        pem.flush()
        words = ["-in", answer.name, "-digest", digest.hex(), "-CAfile", pem.name]
        words += ["-attime", str(int(at.timestamp()))]
        said = subprocess.run(
            [program, "ts", "-verify", *words], capture_output=True, timeout=30, check=False
        )
    return said.returncode == 0


class Policy:
    """A tlog-policy file; one comment of ours, `#tsa FILE`, names roots of time stamps."""

    def __init__(self, path):
        self.logs, self.witnesses, self.groups, self.quorum, self.roots = {}, {}, {}, None, b""
        for line in path.read_text("utf-8").split("\n"):
            words = line.split()
            if words and words[0] == "#tsa":
                self.roots += (path.parent / line.split(None, 1)[1].strip()).read_bytes() + b"\n"
            elif words and not words[0].startswith("#"):
                self.take(words)
        need(self.logs and self.quorum is not None, "a policy needs a log and a quorum")

    def take(self, words):
        kind, rest = words[0], words[1:]
        if kind == "log" and len(rest) in (1, 2):
            key = Key(rest[0], 1)
            self.logs[key.name, key.id] = key
        elif kind == "witness" and len(rest) in (2, 3) and self.is_new(rest[0]):
            self.witnesses[rest[0]] = Key(rest[1], 4)
        elif kind == "group" and len(rest) > 2 and self.is_new(rest[0]):
            members = rest[2:]
            count = {"any": 1, "all": len(members)}.get(rest[1]) or number_of(rest[1])
            need(
                all(not self.is_new(name) for name in members),
                "a group names a member that comes later or never",
            )
            need(0 < count <= len(members) == len(set(members)), "a group cannot be as it is")
            self.groups[rest[0]] = (count, members)
        elif kind == "quorum" and len(rest) == 1 and self.quorum is None:
            need(rest[0] == "none" or not self.is_new(rest[0]), "the quorum is nobody known")
            self.quorum = rest[0]
        else:
            raise Wrong(f"a line of the policy cannot be read: {' '.join(words)}")

    def is_new(self, name):
        return name not in self.witnesses and name not in self.groups and name != "none"

    def is_met(self, name, signed):
        if name in self.groups:
            count, members = self.groups[name]
            return sum(self.is_met(member, signed) for member in members) >= count
        return name == "none" or name in signed


# The six steps


class Receipt:
    """What is written in a receipt, once its form holds."""

    def __init__(self, data):
        need(len(data) <= MAX_BYTES, "larger than 1 MiB")
        need(data.endswith(b"\n"), "no newline at the end")
        value = read_json(data[:-1])
        need(isinstance(value, dict) and set(value) == FIELDS, "not the fields of a receipt")
        need(value["format"] == "hearing-receipt/1", "not of this format")
        need(isinstance(value["entry"], str), "the entry is text")
        self.leaf, self.disclosed = value["entry"].encode(), value["disclosed"]
        need(len(self.leaf) <= MAX_ENTRY_BYTES, "the entry is larger than 4096 bytes")
        self.entry = read_json(self.leaf)
        need(isinstance(self.entry, dict), "the entry is no object")
        need(
            isinstance(self.disclosed, dict) and set(self.disclosed) <= {"case", "actor", "body"},
            "unknown fields",
        )
        for one in self.disclosed.values():
            need(isinstance(one, dict) and set(one) == {"salt", "value"}, "not a disclosed field")
            need(is_hex_hash(one["salt"]), "not a salt")
        self.proof, self.log = Proof(value["proof"]), Key(value["log"], 1)
        need(isinstance(value["witnesses"], list), "witnesses are a list")
        self.witnesses = [Key(text, 4) for text in value["witnesses"]]
        self.stamp = value["time_stamp"]
        if self.stamp is not None:
            is_stamp = isinstance(self.stamp, dict) and set(self.stamp) == {"at", "sha256", "token"}
            need(is_stamp and all(isinstance(each, str) for each in self.stamp.values()), "not a time stamp")
            self.at = wire_moment(self.stamp["at"])
            self.token = from_base64(self.stamp["token"])
            need(
                hashlib.sha256(self.token).hexdigest() == self.stamp["sha256"],
                "the token is not the one named",
            )

    def shown(self, field):
        return self.disclosed.get(field, {}).get("value")

    def content(self, _):
        for field, one in self.disclosed.items():
            said = hashlib.sha256(bytes.fromhex(one["salt"]) + canonical(one["value"]).encode()).hexdigest()
            need(said == self.entry.get(field + "_c"), f"{field} is not what the entry commits to")
        return (HOLDS, "what is shown is what was logged") if self.disclosed else (OPEN, "nothing is shown")

    def place(self, _):
        """RFC 9162 section 2.1.3.2."""
        node, last = self.proof.index, self.proof.checkpoint.size - 1
        need(node <= last, "the place is outside the tree")
        top = hashlib.sha256(b"\x00" + self.leaf).digest()
        for other in self.proof.path:
            need(last > 0, "the path is too long")
            if node & 1 or node == last:
                top = hashlib.sha256(b"\x01" + other + top).digest()
                while not node & 1 and node:
                    node, last = node >> 1, last >> 1
            else:
                top = hashlib.sha256(b"\x01" + top + other).digest()
            node, last = node >> 1, last >> 1
        need(last == 0 and top == self.proof.checkpoint.root, "the path does not lead to the root")
        return HOLDS, f"entry {self.proof.index} of {self.proof.checkpoint.size}"

    def signature(self, policy):
        checkpoint, key = self.proof.checkpoint, self.log
        if policy:
            need((key.name, key.id) in policy.logs, "a log that the policy does not name")
            key = policy.logs[key.name, key.id]
        found = checkpoint.of(key)
        need(checkpoint.origin == key.name, "the origin is not the key's name")
        message = checkpoint.text.encode()
        need(
            found and all(is_signed(key.bytes, message, each) for each in found), "the log did not sign this"
        )
        return (
            (HOLDS, "signed by the log")
            if policy
            else (OPEN, "signed by the receipt's own key; no policy says whose")
        )

    def cosigners(self, policy):
        checkpoint = self.proof.checkpoint
        for key in self.witnesses:
            found = checkpoint.of(key)
            need(len(found) == 1 and checkpoint.is_cosigned(key, found[0]), f"{key.name} did not cosign this")
        need(len(checkpoint.lines) == 1 + len(self.witnesses), "a line of nobody, or one too few")
        if not policy:
            return OPEN, f"{len(self.witnesses)} good line(s); no policy says how many are needed"
        signed = {
            name
            for name, key in policy.witnesses.items()
            if key.text in {each.text for each in self.witnesses}
        }
        need(policy.is_met(policy.quorum, signed), "the witnesses that signed are no quorum")
        if policy.quorum == "none":
            return OPEN, "the policy asks for no witness"
        return HOLDS, f"cosigned by {', '.join(sorted(signed))}"

    def time(self, policy):
        if self.stamp is None:
            return OPEN, "no time stamp"
        imprint, at = stamped(self.token)
        digest = hashlib.sha256(self.proof.checkpoint.text.encode()).digest()
        need(imprint == digest, "the stamp is of something else")
        written = f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"
        need(at == self.at, "the stamp's moment is another one")
        if not policy or not policy.roots:
            return OPEN, f"stamped {written}; no roots to check the stamp's signature with"
        said = is_stamp_signed(self.token, digest, at, policy.roots)
        need(said is not False, "openssl refuses the time stamp")
        return (
            (HOLDS, f"stamped {written}")
            if said
            else (OPEN, f"stamped {written}; no openssl, signature open")
        )


STEPS = (("content", Receipt.content), ("place", Receipt.place), ("signature", Receipt.signature),
         ("witnesses", Receipt.cosigners), ("time", Receipt.time))  # fmt: skip


def check(data, policy=None):
    """([(step, outcome, words)], the receipt or None)."""
    try:
        receipt = Receipt(data)
    except Wrong as error:
        return [("form", FAILS, str(error))], None
    said = [("form", HOLDS, "a receipt in its one form")]
    for name, step in STEPS:
        try:
            said.append((name, *step(receipt, policy)))
        except Wrong as error:
            said.append((name, FAILS, str(error)))
    return said, receipt


# Folders


def chain_breaks(receipts):
    """(name, code, words) where two acts of one case that follow each other do not join."""
    by_case = {}
    for name, receipt in receipts:
        if isinstance(receipt.shown("case"), str):
            by_case.setdefault(receipt.shown("case"), {})[receipt.entry.get("case_seq")] = (name, receipt)
    for acts in by_case.values():
        for number, (name, receipt) in acts.items():
            before = acts.get(number - 1) if isinstance(number, int) else None
            if before and receipt.entry.get("prev_in_case") != hashlib.sha256(before[1].leaf).hexdigest():
                yield name, "receipt.chain", "it does not follow the act before it in its case"


def logged_segments(receipts):
    """recording_id -> recorder -> number -> SHA-256, of the acts recording.segment_sealed."""
    logged = {}
    for _, receipt in receipts:
        body = receipt.shown("body")
        is_of_segments = (receipt.entry.get("cat"), receipt.entry.get("sub")) == (
            "recording",
            "segment_sealed",
        )
        if is_of_segments and isinstance(body, dict) and isinstance(body.get("segments"), list):
            by_recorder = logged.setdefault(str(body.get("recording_id")), {})
            pieces = by_recorder.setdefault(str(body.get("recorder")), {})
            for one in body["segments"]:  # without a policy a receipt may be anybody's work
                if isinstance(one, dict) and isinstance(one.get("number"), int):
                    pieces[one["number"]] = one.get("sha256")
    return logged


def recording_id(journal):
    """What the journal says itself: JSON of the first record, behind a header of 24 bytes (docs/RECORD.md)."""
    for path in sorted(journal.glob("*.seg")):
        data = path.read_bytes()
        try:
            return json.loads(data[24 : 24 + int.from_bytes(data[4:8], "big")])["recording_id"]
        except (ValueError, KeyError, TypeError):
            continue
    return None


def recorder_of(journal, journals):
    """Whose journal it is where a pointer (second.json) says it; None: it is compared with both recorders' receipts."""
    if (journal.parent / "second.json").is_file():
        return "first"
    for other in journals:
        try:
            named = json.loads((other.parent / "second.json").read_bytes())["folder"]
            if (other.parent / named).resolve() == journal.parent.resolve():
                return "second"
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return "second" if journal.parent.name == "record-second" else None  # in an archive package


def recording_findings(journal, logged, recorder):
    """The journal's files against what was logged of them by its recorder, or by the one it agrees with most."""
    files = {int(path.stem): path for path in journal.glob("[0-9]" * 8 + ".seg")}
    seen = {number: hashlib.sha256(path.read_bytes()).hexdigest() for number, path in files.items()}
    known = logged.get(recording_id(journal))
    if known is None:
        return [(str(journal), "segment.other_recording", "the receipts here are of another recording")]
    if recorder is not None:
        known = {recorder: known[recorder]} if recorder in known else {}
    found = [] if known else [[]]
    for pieces in known.values():
        wrong = [number for number in pieces if number in seen and seen[number] != pieces[number]]
        groups = ((wrong, "not_as_logged", "it is not what was logged during the hearing"),
                  (set(pieces) - set(seen), "gone", "a logged segment is gone"),
                  (set(seen) - set(pieces), "not_logged", "no receipt here says that it was logged"))  # fmt: skip
        found.append([(f"{journal}/{number:08}.seg", f"segment.{code}", words)
                      for numbers, code, words in groups for number in sorted(numbers)])  # fmt: skip
    return min(found, key=len)


def examine(path, policy):
    """(lines, findings) of a receipt or of everything below a folder. OSError."""
    path.stat()
    lines, findings, good = [], [], []
    files = [path] if path.is_file() else sorted(path.rglob("*.receipt.json"))
    for file in files:
        with file.open("rb") as opened:
            said, receipt = check(opened.read(MAX_BYTES + 1), policy)
        lines += [f"{file.name}: {step}: {outcome}: {words}" for step, outcome, words in said]
        bad = [(file.name, f"receipt.{step}", words) for step, outcome, words in said if outcome == FAILS]
        findings += bad
        if not bad:
            good.append((file.name, receipt))
    findings += chain_breaks(good)
    journals = [] if path.is_file() else [each for each in sorted(path.rglob("journal")) if each.is_dir()]
    logged = logged_segments(good)
    for journal in journals:
        if journal.parent.name == "merged" and journal.parent.parent / "journal" in journals:
            lines.append(f"{journal}: made from the journals beside it, which are the record")
            continue
        findings += recording_findings(journal, logged, recorder_of(journal, journals)) if logged else []
        lines.append(
            f"{journal}: {'compared with receipts' if logged else 'not compared: no receipt of a segment'}"
        )
    if not files and not journals:
        findings.append((path.name, "nothing.known", "no receipt and no recording here"))
    return lines, findings


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", type=Path)
    parser.add_argument("--policy", type=Path, help="whom you believe: a tlog-policy file")
    parser.add_argument("--quiet", action="store_true", help="only what is wrong")
    asked = parser.parse_args()
    try:
        lines, findings = examine(asked.path, Policy(asked.policy) if asked.policy else None)
    except (OSError, ValueError) as error:
        print(f"check_receipt: {error}", file=sys.stderr)
        sys.exit(2)
    print("".join(f"{line}\n" for line in lines) if not asked.quiet else "", end="")
    print("".join(f"{where}: {words} [{code}]\n" for where, code, words in findings), end="")
    print(f"{len(findings)} problem(s)" if findings else "intact")
    sys.exit(bool(findings))


if __name__ == "__main__":
    main()
