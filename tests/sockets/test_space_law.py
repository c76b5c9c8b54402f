"""Snapshot + events = new snapshot: what a real court says of its lanes, kept as cases that the web client replays.

`web_client/src/stores/space_law.json` is written here from a running court, with ids, hashes and times made even; the
client's `space_law.test.ts` applies the events to the snapshot before and compares with the one after.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from hearing_server.robots.court_client import CourtClient
from tests.court import RunningCourt
from tests.sockets.devices import Device, device
from tests.sockets.test_private_lanes import people

LAW = Path(__file__).parents[2] / "web_client" / "src" / "stores" / "space_law.json"
SAID = ("events_appended", "receipts_updated", "heads_moved", "lanes_left")
_UNEVEN = re.compile(r"\b(?:[a-z]{3}_[0-9a-z]{26}|[0-9a-f]{64}|20\d\d-\d\d-\d\dT[0-9:.]+Z)")


async def snapshot(person: CourtClient, case_id: str) -> dict[str, Any]:
    space = await person.get(f"/cases/{case_id}/space")
    pages = {
        lane["lane"]: await person.get(f"/lanes/{lane['lane']}/events?after=0&limit=200")
        for lane in space["lanes"]
    }
    return {"space": {"lanes": space["lanes"], "receipts": space["receipts"]}, "pages": pages}


def made_even(law: dict[str, Any]) -> str:
    """The same words in every run: what is random or the time is numbered by its first appearance."""
    numbers: dict[str, str] = {}

    def even(match: re.Match[str]) -> str:
        word = match[0]
        if word not in numbers:
            kind = word[:3] if "_" in word[:4] else ""
            count = len(numbers)
            if kind:
                numbers[word] = f"{kind}_{count}"
            elif word.startswith("20") and "T" in word[:12]:
                numbers[word] = f"2026-01-01T{count // 3600:02d}:{count // 60 % 60:02d}:{count % 60:02d}Z"
            else:
                numbers[word] = f"hash_{count}"
        return numbers[word]

    return _UNEVEN.sub(even, json.dumps(law, ensure_ascii=False, indent=1, sort_keys=True)) + "\n"


class Recorder:
    """One case of the law after the other: snapshot, something done, what was heard of it, snapshot."""

    def __init__(self, person: CourtClient, one: Device, case_id: str) -> None:
        self._person = person
        self._device = one
        self._case_id = case_id
        self.cases: list[dict[str, Any]] = []

    async def note(self, name: str, do: Callable[[], Awaitable[Any]], heard: str) -> None:
        before = await snapshot(self._person, self._case_id)
        start = len(self._device.heard)

        def news() -> list[tuple[str, dict[str, Any]]]:
            return [(event, body) for event, body in self._device.heard[start:] if event in SAID]

        await do()
        await self._device.until(lambda: any(event == heard for event, _ in news()))
        after = await snapshot(self._person, self._case_id)
        heads = {lane: page["head_seq"] for lane, page in after["pages"].items()}
        held = self._device.lanes
        await self._device.until(
            lambda: all(not held.get(lane) or held[lane][-1]["seq"] == head for lane, head in heads.items())
        )
        said = [{"name": event, "body": body} for event, body in news()]
        self.cases.append({"name": name, "before": before, "said": said, "after": after})


async def test_space__snapshot_and_events__are_the_new_snapshot_in_every_client(court: RunningCourt) -> None:
    async with people(court) as them:
        case_id = them.case["id"]
        ids = {"plaintiff": them.plaintiff.me["id"], "defendant": them.defendant.me["id"]}
        sealed = await them.defendant.post(f"/cases/{case_id}/sealed-lane", {"ground": "privacy"})
        joint = await them.judge.post(
            f"/cases/{case_id}/mediations", {"person_ids": list(ids.values()), "title": "调解"}
        )
        alone = await them.judge.post(
            f"/cases/{case_id}/mediations",
            {"person_ids": [ids["plaintiff"]], "title": "单独", "agreed": True},
        )
        lanes = (await them.plaintiff.get(f"/cases/{case_id}/space"))["lanes"]
        everyone = lanes[0]["lane"]
        async with (
            device(them.plaintiff) as one,
            device(them.plaintiff) as other,
            device(them.judge) as judge,
            device(them.defendant) as theirs,
        ):
            await one.resume(everyone, joint["lane"])
            head = lanes[0]["head_seq"]
            await one.until(lambda: len(one.lanes.get(everyone, [])) == head)
            law = Recorder(them.plaintiff, one, case_id)
            posts = {
                "a message": (judge, everyone, "请双方提交证据"),
                "a message in a mediation": (theirs, joint["lane"], "可以分期"),
                "a sealed submission of the other side": (theirs, sealed["lane"], "客户名单"),
                "an own message from another device": (other, everyone, "收到"),
            }
            for number, (name, (who, lane, text)) in enumerate(posts.items()):
                await law.note(
                    name, lambda n=number, w=who, to=lane, t=text: w.post(to, f"client-law-{n}", t), "events_appended"  # type: ignore[misc]
                )  # fmt: skip
            await law.note(
                "a message in a lane this device doesn't follow",
                lambda: judge.post(alone["lane"], "client-law-alone", "单独沟通"),
                "heads_moved",
            )
            # What isn't followed is known by its head alone: the case tells of it as such.
            law.cases[-1]["after"]["pages"][alone["lane"]]["items"] = law.cases[-1]["before"]["pages"][
                alone["lane"]
            ]["items"]
            await law.note(
                "somebody has read",
                lambda: theirs.ask("receipt_update", lane=everyone, read_seq=2),
                "receipts_updated",
            )
            await law.note(
                "one's own other device has read",
                lambda: other.ask("receipt_update", lane=everyone, delivered_seq=3, read_seq=2),
                "receipts_updated",
            )
            await law.note(
                "a mediation was closed",
                lambda: them.judge.post(f"/lanes/{joint['lane']}/close", {}),
                "events_appended",
            )
            await law.note(
                "a lane was lost",
                lambda: them.judge.call("DELETE", f"/lanes/{alone['lane']}/people/{ids['plaintiff']}"),
                "lanes_left",
            )
    told = made_even({"cases": law.cases})
    assert {said["name"] for each in law.cases for said in each["said"]} == set(SAID)
    if not LAW.exists() or LAW.read_text(encoding="utf-8") != told:
        LAW.write_text(told, encoding="utf-8")
        pytest.fail("space_law.json was out of date and has been written anew; run the client's tests on it")
