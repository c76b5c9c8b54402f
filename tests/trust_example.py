"""Writes docs/examples/trust: a receipt with everything on it, made from fixed keys. `python -m tests.trust_example`.

The time stamp comes from a real `openssl ts`, so its bytes differ each time; all else is the same every time.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hearing_server.adapters.trust.http_posts import HttpPosts
from hearing_server.adapters.trust.time_stamp_client import HttpTimeStamps
from hearing_server.domain.acts import Act, ActKind, seal_act
from hearing_server.domain.canonical_json import JsonObject
from hearing_server.domain.trust.act_receipts import ReceiptStamp, write_receipt
from hearing_server.domain.trust.checkpoints import Checkpoint, LogProof, cosign, sign_checkpoint
from hearing_server.domain.trust.merkle import CompactRange, inclusion_spans, leaf_hash, root_of, span_hash
from hearing_server.domain.trust.signed_notes import KeyKind, Note, SigningKey
from hearing_server.kernel import ActId, PersonId
from tests.openssl_tsa import openssl_tsa

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "examples" / "trust"
NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
LOG = SigningKey.from_seed("court.example/acts", KeyKind.LOG, bytes(range(32)))
WITNESSES = tuple(
    SigningKey.from_seed(name, KeyKind.WITNESS, bytes([number]) * 32)
    for number, name in enumerate(("notary.example/w1", "bar.example/w1"), 1)
)
# The act that the example is about: the third of seven.
INDEX = 2


def acts() -> list[Act]:
    """Seven acts of one case: a hearing opens, somebody speaks for the record, it closes."""
    said: list[tuple[ActKind, str, str, JsonObject]] = [
        (ActKind.HEARING_LOBBY_OPENED, "per_clerk", "clerk", {"hearing_id": "hrg_1"}),
        (ActKind.HEARING_OPENED, "per_judge", "judge", {"hearing_id": "hrg_1"}),
        (ActKind.MESSAGE_POSTED, "per_zhang", "party", {"lane": "lan_1", "seq": 1, "text": "原告同意调解。"}),
        (ActKind.HEARING_RECESSED, "per_judge", "judge", {"hearing_id": "hrg_1", "reason": "核对证据"}),
        (ActKind.HEARING_RESUMED, "per_judge", "judge", {"hearing_id": "hrg_1"}),
        (ActKind.MESSAGE_POSTED, "per_li", "party", {"lane": "lan_1", "seq": 2, "text": "同意。"}),
        (ActKind.HEARING_CLOSED, "per_judge", "judge", {"hearing_id": "hrg_1"}),
    ]
    found: list[Act] = []
    head = (0, "")
    for number, (kind, person, role, payload) in enumerate(said, 1):
        act = seal_act(
            id=ActId(f"act_{number}"), court_code="浙0199", chain_id="cas_1", head=head, kind=kind,
            at=NOON + timedelta(minutes=number), actor_id=PersonId(person), role=role, payload=payload,
            salt=bytes([number]) * 32,
        )  # fmt: skip
        found.append(act)
        head = (act.case_seq, act.entry_sha256)
    return found


def checkpoint() -> Checkpoint:
    tree = CompactRange()
    for act in acts():
        tree = tree.append(leaf_hash(act.entry))
    return Checkpoint(LOG.name, tree.head())


def proof() -> LogProof:
    leaves = [leaf_hash(act.entry) for act in acts()]
    hashes = tuple(
        span_hash(span, lambda level, index: root_of(leaves[index << level : (index + 1) << level]))
        for span in inclusion_spans(INDEX, len(leaves))
    )
    text = checkpoint().text()
    lines = "".join(cosign(text, key, at=NOON + timedelta(minutes=10)) for key in WITNESSES)
    return LogProof(INDEX, hashes, Note.parse(sign_checkpoint(checkpoint(), LOG) + lines))


def receipt(stamp: ReceiptStamp | None) -> bytes:
    return write_receipt(acts()[INDEX], proof(), LOG.verifier, [key.verifier for key in WITNESSES], stamp)


def policy() -> str:
    names = [f"witness w{place} {key.verifier.text()}" for place, key in enumerate(WITNESSES, 1)]
    return "\n".join(
        ["#tsa tsa-root.pem", f"log {LOG.verifier.text()}", *names, "group both all w1 w2", "quorum both", ""]
    )


async def write() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        async with openssl_tsa(Path(scratch)) as tsa:
            posts = HttpPosts()
            stamped = await HttpTimeStamps(tsa.url, tsa.roots, posts).stamp(checkpoint().text().encode())
            await posts.close()
            await asyncio.to_thread(FOLDER.mkdir, parents=True, exist_ok=True)
            await asyncio.to_thread(shutil.copy, tsa.roots, FOLDER / "tsa-root.pem")
    (FOLDER / "act.receipt.json").write_bytes(receipt(ReceiptStamp(stamped.at, stamped.token)))
    (FOLDER / "unstamped.receipt.json").write_bytes(receipt(None))
    (FOLDER / "policy.txt").write_text(policy(), "utf-8")


if __name__ == "__main__":
    asyncio.run(write())
