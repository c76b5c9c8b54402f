"""A real recording of some seconds and the receipts of its segments, as a party takes both home."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hearing_server.domain.acts import Act, ActKind, seal_act
from hearing_server.domain.canonical_json import JsonObject, JsonValue
from hearing_server.domain.trust.act_receipts import write_receipt
from hearing_server.domain.trust.checkpoints import Checkpoint, LogProof, cosign, sign_checkpoint
from hearing_server.domain.trust.merkle import CompactRange, inclusion_spans, leaf_hash, root_of, span_hash
from hearing_server.domain.trust.signed_notes import Note
from hearing_server.kernel import ActId, PersonId
from recorder.folder import segment_files
from tests.recorder.stepped_session import Stepped, SteppedClock
from tests.trust_example import LOG, WITNESSES

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
SEAL_S = 3.0
# Acts of this many segments: more than one act, and several segments in each.
PER_ACT = 5


def record(folder: Path, *, seconds: float, first: int = 0, note: str = "") -> None:
    """A recording whose packets are numbered from `first` on, with a note. Inside `stepped_writers`."""
    session = Stepped(folder, SteppedClock(), seal_s=SEAL_S)
    session.begin_tracks()
    session.session.mark(kind="note", text=note, at_ns=session.clock.now_ns)
    session.speak(first, seconds)
    session.close()


def log_segments(folder: Path, *, recorder: str = "first", recording_id: str = "rec_1") -> None:
    """What the court does while it records: acts of the segments, in a log that is signed and witnessed; receipts."""
    pieces: list[JsonValue] = []
    for file in segment_files(folder):
        data = file.path.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        pieces.append({"number": file.number, "sha256": digest, "size": len(data)})
    bodies: list[JsonObject] = [
        {
            "hearing_id": "hrg_1", "recording_id": recording_id, "recorder": recorder,
            "segments": pieces[at : at + PER_ACT],
        }
        for at in range(0, len(pieces), PER_ACT)
    ]  # fmt: skip
    _log(folder, ActKind.RECORDING_SEGMENT_SEALED, recorder, bodies)


def log_sealing(folder: Path, root_sha256: str, *, recording_id: str = "rec_1") -> None:
    """What the court does in the end: the act that names the whole record by its root; its receipt in `folder`."""
    body: JsonObject = {"recording_id": recording_id, "root_sha256": root_sha256, "gaps": 0}
    _log(folder, ActKind.RECORDING_SEALED, "sealing", [body])


def _log(folder: Path, kind: ActKind, name: str, bodies: Sequence[JsonObject]) -> None:
    """Acts with these bodies in a log of their own, and their receipts."""
    acts: list[Act] = []
    head = (0, "")
    for at, body in enumerate(bodies):
        act = seal_act(
            id=ActId(f"act_{name}_{at}"), court_code="浙0199", chain_id=f"cas_{name}", head=head,
            kind=kind, at=NOON + timedelta(seconds=at), actor_id=PersonId("per_system"),
            role="system", salt=bytes([at % 256]) * 32, payload=body,
        )  # fmt: skip
        acts.append(act)
        head = (act.case_seq, act.entry_sha256)
    for index, act in enumerate(acts):
        proof = _proof(acts, index)
        keys = [key.verifier for key in WITNESSES]
        (folder / f"{act.id}.receipt.json").write_bytes(write_receipt(act, proof, LOG.verifier, keys, None))


def _proof(acts: Sequence[Act], index: int) -> LogProof:
    leaves = [leaf_hash(act.entry) for act in acts]
    tree = CompactRange()
    for leaf in leaves:
        tree = tree.append(leaf)
    checkpoint = Checkpoint(LOG.name, tree.head())
    hashes = tuple(
        span_hash(span, lambda level, place: root_of(leaves[place << level : (place + 1) << level]))
        for span in inclusion_spans(index, len(leaves))
    )
    lines = "".join(cosign(checkpoint.text(), key, at=NOON + timedelta(minutes=1)) for key in WITNESSES)
    return LogProof(index, hashes, Note.parse(sign_checkpoint(checkpoint, LOG) + lines))
