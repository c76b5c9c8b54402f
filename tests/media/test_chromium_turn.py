"""A real Chromium that may go no other way than through coturn over TLS, as in an office that lets only 443 out."""

import pytest

from hearing_server.adapters.turn import TurnServers
from tests.media.test_chromium_room import desk, seated, sees
from tests.sockets.coturn import SECRET, Coturn, coturn, needs_coturn

pytestmark = pytest.mark.browser

# Every connection of the page is allowed this relay and nothing else; what it gathered is noted.
_ONLY_RELAY = """server => {
    const Plain = RTCPeerConnection;
    window.gathered = [];
    window.refused = [];
    window.RTCPeerConnection = class extends Plain {
        constructor(configuration) {
            super({ ...configuration, iceServers: [server], iceTransportPolicy: "relay" });
            this.addEventListener("icecandidate", ({ candidate }) => {
                if (candidate?.candidate) window.gathered.push([candidate.type, candidate.relayProtocol]);
            });
            this.addEventListener("icecandidateerror", ({ errorCode }) => window.refused.push(errorCode));
        }
    };
}"""


def _ticket(server: Coturn) -> dict[str, object]:
    (ticket,) = TurnServers((server.url("tls"),), SECRET.encode(), life_s=600).for_one_seat()
    return ticket


@needs_coturn
async def test_chromium__when_only_tls_goes_out__then_it_is_seen_and_sees_through_the_relay() -> None:
    async with coturn() as server, desk("--ignore-certificate-errors") as (place, browser):
        party, judge = await seated(place, browser, "party"), await seated(place, browser, "judge")
        for page in (party, judge):
            await page.evaluate(_ONLY_RELAY, _ticket(server))
        await party.evaluate("publish(false)")
        await sees(judge)
        for page in (party, judge):
            assert {tuple(each) for each in await page.evaluate("gathered")} == {("relay", "tls")}


@needs_coturn
async def test_chromium__when_the_relays_certificate_is_unknown__then_it_gives_it_no_credentials() -> None:
    async with coturn() as server, desk() as (place, browser):
        party = await seated(place, browser, "party")
        await party.evaluate(_ONLY_RELAY, _ticket(server))
        await party.evaluate("void publish(false)")  # it would wait for ever
        await party.wait_for_function("refused.length > 0")
        assert await party.evaluate("gathered") == []
        assert set(await party.evaluate("refused")) == {701}  # "cannot be reached", W3C webrtc 4.8.2
