"""The log kept end to end on both databases: signer, witness, time-stamping authority, and a court that cheats."""

from __future__ import annotations

import os
import random
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from hearing_server.adapters.trust.http_posts import HttpPosts
from hearing_server.adapters.trust.offline_check import Trusted, examine
from hearing_server.adapters.trust.signer_link import SignerLink
from hearing_server.adapters.trust.time_stamp_client import HttpTimeStamps
from hearing_server.adapters.trust.witness_client import HttpWitness
from hearing_server.adapters.trust.witness_server import WitnessServer, serving_witness
from hearing_server.domain.trust.act_receipts import Outcome, Step, check_receipt
from hearing_server.domain.trust.merkle import leaf_hash, root_of
from hearing_server.domain.trust.signed_notes import VerifierKey, encoded
from hearing_server.domain.trust.tiles import TilePath, read_bundle
from hearing_server.errors import NotFound, Unavailable
from hearing_server.kernel import Actor, CourtId, PersonId, Role, SystemClock
from hearing_server.services.trust.act_receipts import ActReceipts
from hearing_server.services.trust.checkpoints import Checkpoints
from hearing_server.services.trust.public_log import PublicLog
from hearing_server.services.trust.time_stamps import TimeStamps
from hearing_server.storage.unit_of_work import SqlUnits
from tests.openssl_tsa import OpenSslTsa, openssl_tsa
from tests.storage.test_act_log import write

ORIGIN = "court.example/acts"
CLERK = Actor(PersonId("per_judge"), Role.CLERK, CourtId("crt_1"), "书记员")


@dataclass
class Keeping:
    """A log with everybody who vouches for it."""

    units: SqlUnits
    signer: SignerLink
    witness: WitnessServer
    url: str
    posts: HttpPosts
    tsa: OpenSslTsa
    folder: Path
    checkpoints: Checkpoints
    stamps: TimeStamps
    receipts: ActReceipts

    async def acts(self, count: int) -> list[str]:
        async with self.units.write() as unit:
            return [await write(unit, CLERK.court_id, number) for number in range(count)]

    def again(self) -> Checkpoints:
        """As after a restart of the server."""
        client = HttpWitness(self.witness.key, self.url, self.posts)
        return Checkpoints(self.units, SystemClock(), ORIGIN, self.signer, (client,))

    async def policy(self, *, quorum: str = "w") -> Path:
        key, _ = await self.signer.state()
        file = self.folder / "policy.txt"
        file.write_text(
            f"#tsa tsa/ca.pem\nlog {key.text()}\nwitness w {self.witness.key.text()}\nquorum {quorum}\n"
        )
        return file


@pytest.fixture
async def keeping(units: SqlUnits, tmp_path: Path) -> AsyncIterator[Keeping]:
    async with AsyncExitStack() as stack:
        clock, posts = SystemClock(), HttpPosts()
        stack.push_async_callback(posts.close)
        signer = SignerLink(origin=ORIGIN, folder=tmp_path / "signer", socket_path=None)
        stack.push_async_callback(signer.close)
        log_key, _ = await signer.state()
        witness = WitnessServer(tmp_path / "witness", "notary.example/w", (log_key,))
        port = await stack.enter_async_context(serving_witness(witness, "127.0.0.1", 0))
        tsa = await stack.enter_async_context(openssl_tsa(tmp_path / "tsa"))
        client = HttpWitness(witness.key, f"http://127.0.0.1:{port}", posts)
        yield Keeping(
            units, signer, witness, client.url, posts, tsa, tmp_path,
            Checkpoints(units, clock, ORIGIN, signer, (client,)),
            TimeStamps(units, clock, HttpTimeStamps(tsa.url, tsa.roots, posts), 0.0),
            ActReceipts(units, (witness.key,)),
        )  # fmt: skip


async def test_log__kept_for_a_while__gives_receipts_that_hold_with_everything_off(
    keeping: Keeping, tmp_path: Path
) -> None:
    acts = []
    for count in (1, 5, 300, 2):
        acts += await keeping.acts(count)
        await keeping.checkpoints.run_due()
        await keeping.stamps.stamp_due()
    status = await keeping.checkpoints.status()
    assert (status.size, status.signed_size, status.signer.code) == (308, 308, "")
    assert [(one.size, one.code) for one in status.witnesses] == [(308, "")]
    policy = await keeping.policy()
    receipts = tmp_path / "receipts"
    receipts.mkdir()
    for act_id in (acts[0], acts[1], acts[5], acts[6], acts[200], acts[307]):
        (receipts / f"{act_id}.receipt.json").write_bytes(await keeping.receipts.of_act(CLERK, act_id))
    await keeping.signer.close()
    report = examine(receipts, Trusted.read(policy))
    assert report.findings == []
    assert sum(": holds:" in line for line in report.lines) == 6 * len(Step)


async def test_public_log__read_by_an_outsider__is_the_tree_of_the_checkpoint(keeping: Keeping) -> None:
    await keeping.acts(300)
    await keeping.checkpoints.run_due()
    public = PublicLog(keeping.units, (keeping.witness.key,), shows_entries=True)
    checkpoint = await public.checkpoint()
    assert "notary.example/w" in checkpoint
    tiles = await public.tile(0, TilePath(0, 256)) + await public.tile(0, TilePath(1, 44))
    leaves = [tiles[place : place + 32] for place in range(0, len(tiles), 32)]
    assert f"\n300\n{encoded(root_of(leaves))}\n" in checkpoint
    entries = [
        *read_bundle(await public.entries(TilePath(0, 256))),
        *read_bundle(await public.entries(TilePath(1, 44))),
    ]
    assert [leaf_hash(entry) for entry in entries] == leaves
    for level, path in ((0, TilePath(1, 45)), (0, TilePath(2, 1)), (3, TilePath(0, 1)), (1, TilePath(0, 2))):
        with pytest.raises(NotFound):
            await public.tile(level, path)
    with pytest.raises(NotFound):
        await PublicLog(keeping.units, (), shows_entries=False).entries(TilePath(0, 256))
    assert (await public.policy()).endswith("group witnesses any w1\nquorum witnesses\n")


async def test_receipt__asked_for_too_early__says_when(keeping: Keeping) -> None:
    act = (await keeping.acts(1))[0]
    with pytest.raises(Unavailable) as early:
        await keeping.receipts.of_act(CLERK, act)
    assert (early.value.code, early.value.retryable) == ("proof.not_yet", True)


async def test_vouchers__down_for_a_while__are_named_and_caught_up_with(keeping: Keeping) -> None:
    await keeping.acts(3)
    keeping.tsa.mood = "silent"
    await keeping.checkpoints.run_due()
    assert await keeping.stamps.stamp_due() == 0
    stamps = keeping.stamps.status()
    assert stamps is not None
    assert stamps.code == "time_stamp.refused"
    assert keeping.signer.pid is not None
    os.kill(keeping.signer.pid, signal.SIGKILL)
    await keeping.acts(2)
    await keeping.checkpoints.run_due()
    # The first question after the death finds it dead, the next one starts another.
    await keeping.checkpoints.run_due()
    status = await keeping.checkpoints.status()
    assert (status.signed_size, status.signer.code, status.witnesses[0].size) == (5, "", 5)
    keeping.tsa.mood = "honest"
    assert await keeping.stamps.stamp_due() == 0  # it waits before it asks again
    later = TimeStamps(keeping.units, Later(), keeping.stamps.authority, 0.0)
    assert await later.stamp_due() == 1
    assert await later.stamp_due() == 1  # and now the newest
    async with keeping.units.read() as unit:
        for size in (3, 5):
            stamp = await unit.log.time_stamp(size)
            assert stamp is not None
            assert stamp.state == "stamped"


class Later(SystemClock):
    """A minute from now."""

    def utc_now(self) -> datetime:
        return super().utc_now() + timedelta(minutes=1)


async def test_court_that_changes_an_act__before_it_is_in_the_tree_or_after__is_caught(
    keeping: Keeping,
) -> None:
    acts = await keeping.acts(5)
    await keeping.checkpoints.run_due()
    genuine = await keeping.receipts.of_act(CLERK, acts[2])
    async with keeping.units.write() as unit:
        await unit._db.execute(
            sa.text("UPDATE acts SET entry = :entry WHERE id = :id"), {"entry": b'{"v":1}', "id": acts[2]}
        )
    changed = check_receipt(await keeping.receipts.of_act(CLERK, acts[2]))
    failed = {step.step for step in changed.steps if step.outcome is Outcome.FAILS}
    assert failed == {Step.CONTENT, Step.PLACE}
    assert check_receipt(genuine).holds


async def test_court_that_rewrites_its_log__can_not_get_it_signed_or_witnessed(
    keeping: Keeping, tmp_path: Path
) -> None:
    await keeping.acts(6)
    await keeping.checkpoints.run_due()
    # Everything of the log is thrown away and made anew from changed acts, as whoever owns the database can.
    async with keeping.units.write() as unit:
        await unit._db.execute(sa.text("UPDATE acts SET entry = :entry"), {"entry": b'{"v":1}'})
        for table in ("log_cosignatures", "log_time_stamps", "log_checkpoints", "log_tiles"):
            await unit._db.execute(sa.text(f"DELETE FROM {table}"))
        await unit._db.execute(sa.text("UPDATE log_trees SET size = 0, peaks = :none"), {"none": b""})
    await keeping.acts(3)
    forged = keeping.again()
    await forged.run_due()
    status = await forged.status()
    assert (status.signed_size, status.signer.code) == (0, "signer.refused")
    # Even with a signer whose memory was taken away: the witness remembers.
    await keeping.signer.close()
    shutil.rmtree(tmp_path / "signer" / "heads")
    (tmp_path / "signer" / "heads").mkdir()
    await forged.run_due()
    status = await forged.status()
    assert (status.signed_size, status.signer.code) == (9, "")
    assert status.witnesses[0].code == "witness.refused"
    act = (await keeping.acts(1))[0]
    await forged.run_due()
    strict = Trusted.read(await keeping.policy())
    steps = check_receipt(await keeping.receipts.of_act(CLERK, act), strict.policy).steps
    assert [step.step for step in steps if step.outcome is Outcome.FAILS] == [Step.WITNESSES]


async def test_database__restored_from_an_old_backup__is_told_at_once(keeping: Keeping) -> None:
    await keeping.acts(6)
    await keeping.checkpoints.run_due()
    async with keeping.units.write() as unit:
        for table in ("log_cosignatures", "log_time_stamps", "log_checkpoints", "log_tiles", "log_leaves"):
            await unit._db.execute(sa.text(f"DELETE FROM {table}"))
        await unit._db.execute(sa.text("UPDATE log_trees SET size = 0, peaks = :none"), {"none": b""})
        await unit._db.execute(sa.text("UPDATE log_places SET next_index = 0"))
    await keeping.acts(2)
    again = keeping.again()
    await again.run_due()
    assert (await again.status()).signer.code == "signer.ahead"


# A receipt is the same from either database, and whoever checks it has none.
@pytest.mark.parametrize("units", ["sqlite"], indirect=True)
@pytest.mark.timeout(1800)  # fifty times as many with --slow
async def test_receipt__with_any_bit_flipped__never_passes_and_the_clean_one_always_does(
    keeping: Keeping, request: pytest.FixtureRequest
) -> None:
    acts = await keeping.acts(9)
    await keeping.checkpoints.run_due()
    await keeping.stamps.stamp_due()
    trusted = Trusted.read(await keeping.policy())
    receipt = await keeping.receipts.of_act(CLERK, acts[4])
    often = 50 if request.config.getoption("--slow") else 1
    dice = random.Random(4)
    for trusts in (trusted, Trusted()):
        for _ in range(10 * often):
            assert check_receipt(receipt, trusts.policy, trusts.check_stamp).holds
        for _ in range(1000 * often):
            changed = bytearray(receipt)
            changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
            assert not check_receipt(bytes(changed), trusts.policy, trusts.check_stamp).holds
    for place in range(0, len(receipt), 97):
        assert not check_receipt(receipt[:place]).holds
        assert not check_receipt(receipt[:place] + receipt[place + 1 :]).holds


async def test_receipt__for_another_log_or_too_few_witnesses__isnt_believed(keeping: Keeping) -> None:
    act = (await keeping.acts(1))[0]
    await keeping.checkpoints.run_due()
    receipt = await keeping.receipts.of_act(CLERK, act)
    stranger = VerifierKey("court.example/acts", (await keeping.signer.state())[0].kind, b"\1" * 32)
    strange = Trusted.read(await keeping.policy()).policy
    assert strange is not None
    checked = check_receipt(receipt, replace(strange, logs=(stranger,)))
    assert [step.step for step in checked.steps if step.outcome is Outcome.FAILS] == [Step.SIGNATURE]
    unwitnessed = replace(strange, witnesses={}, quorum="w")
    checked = check_receipt(receipt, unwitnessed)
    assert [step.step for step in checked.steps if step.outcome is Outcome.FAILS] == [Step.WITNESSES]
