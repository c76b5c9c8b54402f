"""Receipts of acts: for the court's staff, for the parties of the case as far as they may read the act."""

from __future__ import annotations

from dataclasses import dataclass

from hearing_server.domain.acts import Act
from hearing_server.domain.trust.act_receipts import ReceiptStamp, write_receipt
from hearing_server.domain.trust.checkpoints import LogProof
from hearing_server.domain.trust.signed_notes import Note, VerifierKey
from hearing_server.errors import NotFound, Unavailable
from hearing_server.kernel import Actor
from hearing_server.ports.act_log import SignedHead
from hearing_server.ports.units import Unit, Units
from hearing_server.services.access import access_case
from hearing_server.services.acts import act_reader
from hearing_server.services.trust.act_tree import inclusion_proof


@dataclass(frozen=True, slots=True)
class ActReceipts:
    """`witnesses`: the keys whose cosignatures may stand on a receipt."""

    units: Units
    witnesses: tuple[VerifierKey, ...]

    async def of_act(self, actor: Actor, act_id: str) -> bytes:
        """The receipt file. Errors: NotFound; Unavailable `proof.not_yet` (seconds after the act)."""
        async with self.units.read() as unit:
            return await self.written(unit, await _seen_act(unit, actor, act_id))

    async def written(self, unit: Unit, act: Act) -> bytes:
        """The receipt file of an act that the caller may have. Errors: Unavailable `proof.not_yet`."""
        index = await unit.log.index_of(act.id)
        head = await unit.log.best_checkpoint(index) if index is not None else None
        if index is None or head is None:
            raise Unavailable(
                "proof.not_yet",
                zh="该行为已存证，检查点尚未签发，请几秒后再试",
                en="The act is logged; its checkpoint isn't signed yet. Try again in some seconds",
                retry_after_s=3.0,
            )
        hashes = await inclusion_proof(unit.log, index, head.size)
        note, witnesses = await self._vouched(unit, head)
        stamp = await unit.log.time_stamp(head.size)
        return write_receipt(
            act,
            LogProof(index, hashes, note),
            VerifierKey.parse(head.log_key),
            witnesses,
            ReceiptStamp(stamp.at, stamp.token) if stamp and stamp.at and stamp.token else None,
        )

    async def _vouched(self, unit: Unit, head: SignedHead) -> tuple[Note, list[VerifierKey]]:
        """The checkpoint with the cosignatures of the witnesses we have today."""
        lines = await unit.log.cosignatures(head.size)
        whole = Note.parse(head.note + "".join(lines))
        known = [key for key in self.witnesses if whole.signatures_of(key)]
        kept = tuple(
            signature
            for place, signature in enumerate(whole.signatures)
            if place == 0 or any(signature.is_of(key) for key in known)
        )
        return Note(whole.text, kept), known


async def _seen_act(unit: Unit, actor: Actor, act_id: str) -> Act:
    act = await unit.acts.get(act_id)
    if act is None:
        raise NotFound
    if act.chain_id == actor.court_id:
        # Sign-ins, imports: between the court and the person who did it.
        if not actor.is_staff and act.actor_id != actor.person_id:
            raise NotFound
        return act
    case, member = await access_case(unit, actor, act.chain_id)
    if not (await act_reader(unit, actor, case, member)).may_read(act):
        raise NotFound
    return act
