"""Checkpoints: every few seconds the log's head is signed, shown to the witnesses, and now and then time-stamped.

Nothing waits for any of them. Whoever is down is asked again; the status says since when.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from hearing_server.domain.trust.checkpoints import Checkpoint, read_cosignature
from hearing_server.domain.trust.merkle import TreeHead
from hearing_server.domain.trust.signed_notes import read_signatures
from hearing_server.errors import HearingError, Unavailable
from hearing_server.kernel import Clock
from hearing_server.ports.act_log import SignedHead, Signer, Witness, WitnessSize
from hearing_server.ports.units import Units
from hearing_server.services.trust.act_tree import consistency_proof, grow_tree

_log = logging.getLogger(__name__)
# A witness that doesn't answer is asked less and less often, up to once a minute.
_MOST_PATIENT = timedelta(seconds=60)
_FIRST_PATIENCE = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Vouching:
    """How one of those stands who vouch for the log: its code is empty while all is well."""

    name: str
    key: str = ""
    size: int = 0
    code: str = ""
    since: datetime | None = None

    def well(self, *, key: str, size: int, at: datetime) -> Vouching:
        return Vouching(self.name, key, size, "", self.since if not self.code and self.since else at)

    def ill(self, code: str, at: datetime) -> Vouching:
        return replace(self, code=code, since=self.since if self.code else at)


@dataclass(frozen=True, slots=True)
class LogStatus:
    """The log in numbers: acts with a place, acts under the newest checkpoint, and who vouches."""

    size: int
    signed_size: int
    signed_at: datetime | None
    signer: Vouching
    witnesses: tuple[Vouching, ...]


@dataclass(slots=True)
class _Asking:
    """What we know of one witness. `size`: None until it told us, or cosigned for us."""

    witness: Witness
    status: Vouching
    size: int | None = None
    patience: timedelta = _FIRST_PATIENCE
    not_before: datetime | None = None


@dataclass(slots=True)
class Checkpoints:
    """`run_due` is a job of one process; `status` may be asked by anybody."""

    units: Units
    clock: Clock
    origin: str
    signer: Signer
    witnesses: tuple[Witness, ...] = ()
    # The signer is a process that needn't be started for a court that ends at once.
    first_after_s: float = 0.0
    _signer_status: Vouching = field(default_factory=lambda: Vouching("signer"))
    _asking: list[_Asking] = field(default_factory=list)
    _not_before_s: float = 0.0

    def __post_init__(self) -> None:
        self._asking = [_Asking(each, Vouching(each.key.name, each.key.text())) for each in self.witnesses]
        self._not_before_s = self.clock.monotonic_s() + self.first_after_s

    async def run_due(self) -> int:
        """Sign what is new and show it to the witnesses. Always 0: there is never more to do at once."""
        if self.clock.monotonic_s() < self._not_before_s:
            return 0
        async with self.units.read() as unit:
            newest = await unit.log.newest_checkpoint()
            has_grown = await unit.log.next_index() > (newest.size if newest else 0)
        if has_grown:
            newest = await self._sign(await grow_tree(self.units)) or newest
        if newest is not None:
            await asyncio.gather(*(self._show(asking, newest) for asking in self._asking))
        return 0

    async def status(self) -> LogStatus:
        """From the database and from what the last rounds saw."""
        async with self.units.read() as unit:
            size = await unit.log.next_index()
            newest = await unit.log.newest_checkpoint()
        return LogStatus(
            size=size,
            signed_size=newest.size if newest else 0,
            signed_at=newest.signed_at if newest else None,
            signer=self._signer_status,
            witnesses=tuple(asking.status for asking in self._asking),
        )

    async def _sign(self, head: TreeHead) -> SignedHead | None:
        now = self.clock.utc_now()
        try:
            key, seen = await self.signer.state()
            if seen.size > head.size:
                raise Unavailable(
                    "signer.ahead",
                    zh="签名程序已签过更长的日志：数据库可能被回退，请勿继续使用并立即核查",
                    en="The signer has signed a longer log: the database was rolled back; look into it now",
                )
            async with self.units.read() as unit:
                proof = await consistency_proof(unit.log, seen.size, head.size)
            note = await self.signer.sign(seen.size, proof, Checkpoint(self.origin, head))
        except HearingError as error:
            if error.code != self._signer_status.code:
                _log.error("no checkpoint", extra={"code": error.code})
            self._signer_status = self._signer_status.ill(error.code, now)
            return None
        signed = SignedHead(head.size, note, key.text(), now)
        async with self.units.write() as unit:
            await unit.log.add_checkpoint(signed)
        self._signer_status = self._signer_status.well(key=key.text(), size=head.size, at=now)
        return signed

    async def _show(self, asking: _Asking, head: SignedHead) -> None:
        now = self.clock.utc_now()
        if asking.size == head.size or (asking.not_before is not None and now < asking.not_before):
            return
        try:
            await self._ask(asking, head)
        except HearingError as error:
            if error.code != asking.status.code:
                _log.warning("a witness didn't cosign", extra={"code": error.code})
            asking.status = asking.status.ill(error.code, now)
            asking.not_before = now + asking.patience
            asking.patience = min(2 * asking.patience, _MOST_PATIENT)
            asking.size = None
        else:
            asking.patience, asking.not_before = _FIRST_PATIENCE, None
            asking.status = asking.status.well(key=asking.witness.key.text(), size=head.size, at=now)

    async def _ask(self, asking: _Asking, head: SignedHead) -> None:
        # An unknown size is asked for with the size zero: the answer tells the true one.
        answer = await self._add(asking.witness, asking.size or 0, head)
        if isinstance(answer, WitnessSize):
            if answer.size > head.size:
                raise Unavailable(
                    "witness.ahead",
                    zh="见证方见过更长的日志：数据库可能被回退，请立即核查",
                    en="The witness has seen a longer log: was the database rolled back?",
                )
            answer = await self._add(asking.witness, answer.size, head)
        if isinstance(answer, WitnessSize):
            raise Unavailable(
                "witness.conflict",
                zh="见证方记录的日志与本日志不一致，请立即核查",
                en="The witness remembers another log than this one; look into it now",
            )
        await self._keep(asking, head, answer)

    async def _add(self, witness: Witness, old: int, head: SignedHead) -> str | WitnessSize:
        async with self.units.read() as unit:
            proof = await consistency_proof(unit.log, old, head.size)
        return await witness.add_checkpoint(old, proof, head.note)

    async def _keep(self, asking: _Asking, head: SignedHead, lines: str) -> None:
        key = asking.witness.key
        text = head.note.partition("\n\n")[0] + "\n"
        for signature in read_signatures(lines):
            said = read_cosignature(text, signature, key)
            if said is None:
                continue
            async with self.units.write() as unit:
                await unit.log.add_cosignature(head.size, key.name, signature.line(), said.at)
            asking.size = head.size
            return
        raise Unavailable(
            "witness.wrong_signature",
            zh="见证方的签名无法核验，请核对其公钥设置",
            en="The witness's signature doesn't verify; check the key in the settings",
        )
