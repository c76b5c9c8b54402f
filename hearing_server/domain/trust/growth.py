"""The one question a signer and a witness ask before they put their name to a tree: is it what I saw, grown?"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from hearing_server.domain.trust.checkpoints import Checkpoint, read_hashes, whole_number
from hearing_server.domain.trust.merkle import EMPTY_ROOT, TreeHead, verify_consistency
from hearing_server.domain.trust.signed_notes import encoded

NOTHING_SEEN = TreeHead(0, EMPTY_ROOT)


class Refusal(StrEnum):
    """Why not, in the words of C2SP tlog-witness's answers."""

    MALFORMED = "malformed"  # 400: the old size is larger than the new one
    CONFLICT = "conflict"  # 409: I'm at another size, or at this size with another root
    INCONSISTENT = "inconsistent"  # 422: the proof doesn't lead from what I saw to this


def refusal(seen: TreeHead, old: int, proof: Sequence[bytes], new: TreeHead) -> Refusal | None:
    """Why `new` must not be signed by somebody who saw `seen`; None when it may.

    A smaller tree and another tree of the same size are refused without looking at any proof: no rollback, no fork.
    """
    if old > new.size:
        return Refusal.MALFORMED
    if old != seen.size or (old == new.size and seen.root != new.root):
        return Refusal.CONFLICT
    return None if verify_consistency(seen, new, proof) else Refusal.INCONSISTENT


def growth_request(old: int, proof: Sequence[bytes], checkpoint: str) -> str:
    """The body of `add-checkpoint`: old size, proof, empty line, checkpoint (a note, or for the signer its text)."""
    return f"old {old}\n" + "".join(f"{encoded(each)}\n" for each in proof) + "\n" + checkpoint


def read_growth_request(body: str) -> tuple[int, tuple[bytes, ...], str]:
    """Old size, proof, checkpoint. ValueError."""
    head, gap, checkpoint = body.partition("\n\n")
    first, *lines = head.split("\n")
    if not gap or not first.startswith("old "):
        raise ValueError("not an add-checkpoint request")
    return whole_number(first.removeprefix("old ")), read_hashes(lines), checkpoint


def state_text(origin: str, seen: TreeHead) -> str:
    """What a signer or witness keeps on disk: the text of the newest checkpoint it put its name to."""
    return Checkpoint(origin, seen).text()
