"""Whom a verifier believes: C2SP tlog-policy files. Logs by key, witnesses by key, and how many of them must agree.

Ours add one kind of line, inside a comment so that other tools read the file as well: `#tsa <file>` names a PEM file of
time-stamping roots, relative to the policy.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from hearing_server.domain.trust.checkpoints import Checkpoint, Cosigned, open_checkpoint, read_cosignature
from hearing_server.domain.trust.signed_notes import KeyKind, Note, VerifierKey

# The specification's recommended limits, with room.
_MOST_LINES = 1000
_SPACE = re.compile(r"[ \t]+")
NONE = "none"


@dataclass(frozen=True, slots=True)
class Group:
    """`needed` of its members (witnesses or groups) make it agree."""

    needed: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """Read with `parse`. `urls` by the witness's name in this file."""

    logs: tuple[VerifierKey, ...]
    witnesses: Mapping[str, VerifierKey]
    groups: Mapping[str, Group]
    quorum: str
    urls: Mapping[str, str] = field(default_factory=dict)
    tsa_files: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> TrustPolicy:
        """ValueError names the line (from 1) that is wrong."""
        reader = _Reader()
        lines = text.split("\n")
        if len(lines) > _MOST_LINES:
            raise ValueError("a policy of so many lines is none")
        for number, line in enumerate(lines, 1):
            try:
                reader.take(line.strip(" \t"))
            except ValueError as error:
                raise ValueError(f"line {number}: {error}") from error
        if reader.quorum is None:
            raise ValueError("the policy has no quorum line")
        return cls(
            tuple(reader.logs), reader.witnesses, reader.groups, reader.quorum, reader.urls, tuple(reader.tsa)
        )

    def log_of(self, note: Note) -> tuple[Checkpoint, VerifierKey]:
        """The checkpoint of a note that one of our logs signed. ValueError: none did."""
        for key in self.logs:
            if note.signatures_of(key):
                return open_checkpoint(note, key), key
        raise ValueError("no log of the policy signed this checkpoint")

    def cosigned(self, note: Note) -> dict[str, Cosigned]:
        """What the policy's witnesses said about this checkpoint, by their names; wrong signatures say nothing."""
        found: dict[str, Cosigned] = {}
        for name, key in self.witnesses.items():
            for signature in note.signatures_of(key):
                said = read_cosignature(note.text, signature, key)
                if said is not None:
                    found[name] = said
        return found

    def is_agreed(self, names: set[str]) -> bool:
        """Whether these witnesses are a quorum."""
        return self.quorum == NONE or self._agrees(self.quorum, names)

    def _agrees(self, name: str, names: set[str]) -> bool:
        group = self.groups.get(name)
        if group is None:
            return name in names
        return sum(self._agrees(member, names) for member in group.members) >= group.needed

    def witnessed_at(self, cosigned: Mapping[str, Cosigned]) -> datetime | None:
        """When the last witness signed: by then the checkpoint existed; None without witnesses."""
        return max((said.at for said in cosigned.values()), default=None)


class _Reader:
    """The state of reading one file."""

    def __init__(self) -> None:
        self.logs: list[VerifierKey] = []
        self.witnesses: dict[str, VerifierKey] = {}
        self.groups: dict[str, Group] = {}
        self.urls: dict[str, str] = {}
        self.quorum: str | None = None
        self.tsa: list[str] = []
        self._used: set[str] = set()
        self._public: set[bytes] = set()

    def take(self, line: str) -> None:
        if line.startswith("#tsa "):
            self.tsa.append(line.removeprefix("#tsa ").strip())
            return
        if not line or line.startswith("#"):
            return
        if any(letter < " " and letter != "\t" for letter in line):
            raise ValueError("a control character")
        word, *rest = _SPACE.split(line)
        match word:
            case "log" if 1 <= len(rest) <= 2:
                self.logs.append(self._key(rest[0], KeyKind.LOG))
            case "witness" if 2 <= len(rest) <= 3:
                self._new(rest[0])
                self.witnesses[rest[0]] = self._key(rest[1], KeyKind.WITNESS)
                if len(rest) == 3:
                    self.urls[rest[0]] = rest[2]
            case "group" if len(rest) >= 3:
                self._group(*rest)
            case "quorum" if len(rest) == 1 and self.quorum is None:
                if rest[0] != NONE:
                    self._known(rest[0])
                self.quorum = rest[0]
            case _:
                raise ValueError("not a line of a policy")

    def _group(self, name: str, needed: str, *members: str) -> None:
        self._new(name)
        for member in members:
            self._known(member)
            if member in self._used:
                raise ValueError(f"{member} is a member already")
            self._used.add(member)
        words = {"any": 1, "all": len(members)}
        count = words.get(needed) or (int(needed) if re.fullmatch(r"[1-9][0-9]{0,3}", needed) else 0)
        if not 1 <= count <= len(members):
            raise ValueError("a group needs from one to all of its members")
        self.groups[name] = Group(count, members)

    def _key(self, text: str, kind: KeyKind) -> VerifierKey:
        key = VerifierKey.parse(text)
        if key.kind is not kind:
            raise ValueError("a key of another kind")
        if key.public in self._public:
            raise ValueError("this key stands there already")
        self._public.add(key.public)
        return key

    def _new(self, name: str) -> None:
        if name == NONE or name in self.witnesses or name in self.groups:
            raise ValueError(f"the name {name} is taken")

    def _known(self, name: str) -> None:
        if name not in self.witnesses and name not in self.groups:
            raise ValueError(f"nothing before this line is called {name}")
