"""Each channel against a real counterpart: a mail server, a push service with a browser, a checking gateway."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from email import message_from_bytes
from email.header import decode_header, make_header
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from hearing_server.adapters.notifying.channels import open_channels
from hearing_server.adapters.notifying.email import EmailChannel, SmtpServer
from hearing_server.adapters.notifying.gateway import Gateway
from hearing_server.adapters.notifying.web_push import VapidKey, WebPush
from hearing_server.channel_settings import ChannelSettings
from hearing_server.errors import Unavailable
from hearing_server.ports.notices import Letter
from tests.contract.gateway_twin import SECRET, gateway_twin
from tests.contract.push_twin import BrowserTwin, push_service, vapid_claims

LETTER = Letter(
    "obl_1:0:sms", "13800000001", "法院提醒", "您有一条提醒", "/cases/cas_1/progress", {"notice": "ntc_1"}
)


class Mailbox:
    """What the mail server took; addresses that begin with `no` are refused for ever, `later` for now."""

    def __init__(self) -> None:
        self.taken: list[Envelope] = []

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("no"):
            return "550 no such mailbox"
        if address.startswith("later"):
            return "450 busy"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.taken.append(envelope)
        return "250 taken"


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    box = Mailbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield box, port
    finally:
        controller.stop()


def email(port: int, security: str = "none") -> EmailChannel:
    return EmailChannel(SmtpServer("127.0.0.1", port, security, "法院 <notices@court.example>"))


async def test_email__sent__arrives_whole_and_a_repeat_can_be_told(mailbox: tuple[Mailbox, int]) -> None:
    box, port = mailbox
    letter = Letter("k1", "lin@example.org", "云河法院：您有一条提醒", "请登录：https://court.example/x")
    first, second = [await email(port).send(letter) for _ in range(2)]
    assert (first.state, first.simulated, first.provider_id) == ("accepted", False, second.provider_id)
    messages = [message_from_bytes(one.content or b"") for one in box.taken]  # type: ignore[arg-type]
    assert len({message["Message-ID"] for message in messages}) == 1
    assert str(make_header(decode_header(messages[0]["Subject"]))) == letter.title
    payload = messages[0].get_payload(decode=True)
    assert isinstance(payload, bytes)
    assert payload.decode().strip() == letter.text


@pytest.mark.parametrize(
    ("to", "state"),
    [("no@example.org", "failed"), ("later@example.org", "retry"), ("a@b\r\nBcc: c@d", "failed")],
)
async def test_email__refused__says_whether_to_come_again(
    mailbox: tuple[Mailbox, int], to: str, state: str
) -> None:
    result = await email(mailbox[1]).send(Letter("k", to, "t", "x"))
    assert result.state == state
    assert to not in result.detail
    assert mailbox[0].taken == []


async def test_email__server_away_or_without_tls__comes_again_and_never_in_clear(
    mailbox: tuple[Mailbox, int],
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    letter = Letter("k", "lin@example.org", "t", "x")
    assert (await email(port).send(letter)).state == "retry"
    assert (await email(mailbox[1], "starttls").send(letter)).state == "retry"
    assert mailbox[0].taken == []


async def test_gateway__signed_call__is_taken_and_its_number_kept() -> None:
    async with gateway_twin() as twin:
        result = await Gateway("sms", twin.url, SECRET).send(LETTER)
        assert (result.state, result.provider_id, twin.unsigned) == ("accepted", "msg-1", 0)
        assert twin.calls[0] == {
            "key": LETTER.key, "channel": "sms", "to": LETTER.to, "title": LETTER.title,
            "text": LETTER.text, "link": LETTER.link,
        }  # fmt: skip
        other = await Gateway("sms", twin.url, b"another secret of enough bytes").send(LETTER)
        assert (other.state, twin.unsigned, len(twin.calls)) == ("failed", 1, 1)


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (500, "retry"),
        (503, "retry"),
        (429, "retry"),
        (400, "failed"),
        (404, "failed"),
        ("redirect", "failed"),
    ],
)
async def test_gateway__answers_otherwise__says_whether_to_come_again(answer: int | str, state: str) -> None:
    async with gateway_twin() as twin:
        twin.script = [answer]
        result = await Gateway("voice", twin.url, SECRET).send(LETTER)
    assert result.state == state
    assert LETTER.to not in result.detail


async def test_gateway__away__comes_again() -> None:
    async with gateway_twin() as twin:
        url = twin.url
    assert (await Gateway("sms", url, SECRET).send(LETTER)).state == "retry"


async def test_push__opened_by_a_browser__says_what_was_sent_under_the_courts_key(tmp_path: Path) -> None:
    async with push_service() as service:
        push = WebPush(VapidKey(tmp_path), (service.origin,), "mailto:it@court.example")
        browser = BrowserTwin(service.endpoint("lin"))
        result = await push.send(Letter("k", browser.subscription, "标题", "正文", "/x", {"notice": "ntc_1"}))
        assert (result.state, result.simulated) == ("accepted", False)
        ((_, headers, body),) = service.pushes
        assert browser.open(body) == {"title": "标题", "text": "正文", "link": "/x", "notice": "ntc_1"}
        assert "正文".encode() not in body
        claims = vapid_claims(headers, push.public_key)
        assert (claims["aud"], claims["sub"]) == (service.origin, "mailto:it@court.example")
        assert int(headers["ttl"]) > 0
        assert WebPush(VapidKey(tmp_path), (), "").public_key == push.public_key, "the key is kept"


@pytest.mark.parametrize(
    ("status", "state"), [(404, "gone"), (410, "gone"), (429, "retry"), (500, "retry"), (400, "failed")]
)
async def test_push__service_refuses__says_what_that_means(tmp_path: Path, status: int, state: str) -> None:
    async with push_service() as service:
        service.status = status
        push = WebPush(VapidKey(tmp_path), (service.origin,), "mailto:it@court.example")
        letter = Letter("k", BrowserTwin(service.endpoint("x")).subscription, "t", "x")
        assert (await push.send(letter)).state == state


def test_push__only_named_services_are_ever_called(tmp_path: Path) -> None:
    push = WebPush(VapidKey(tmp_path), ("fcm.googleapis.com", ".notify.windows.com"), "")
    assert push.may_call("https://fcm.googleapis.com/fcm/send/abc")
    assert push.may_call("https://wns2-db5p.notify.windows.com/w/?token=1")
    for endpoint in (
        "http://fcm.googleapis.com/x",
        "https://fcm.googleapis.com:8443/x",
        "https://user@fcm.googleapis.com/x",
        "https://fcm.googleapis.com.evil.example/x",
        "https://evilnotify.windows.com/x",
        "https://127.0.0.1/x",
        "https://169.254.169.254/latest",
        "file:///etc/passwd",
        "https://[::1",
        "",
    ):
        assert not push.may_call(endpoint), endpoint


async def test_push__malformed_subscription__is_gone_and_no_error(tmp_path: Path) -> None:
    push = WebPush(VapidKey(tmp_path), ("http://127.0.0.1:9",), "")
    for to in (
        "",
        "[]",
        "{}",
        '{"endpoint": "http://127.0.0.1:9/x", "keys": {"p256dh": "AA", "auth": "AA"}}',
    ):
        assert (await push.send(Letter("k", to, "t", "x"))).state == "gone"


def test_channels__from_settings__are_real_where_named_and_simulated_elsewhere(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("0123456789abcdef\n")
    named = ChannelSettings.model_validate({"sms_url": "http://127.0.0.1:9/send", "sms_secret_file": secret})
    opened = open_channels(named, keys=tmp_path, public_url="")
    simulated = {name for name, channel in opened.by_name.items() if channel.is_simulated}
    assert simulated == {"wechat", "voice", "email"}
    assert opened.secrets == {"sms": b"0123456789abcdef"}
    secret.write_text("short")
    with pytest.raises(Unavailable, match=r"channel\.secret"):
        open_channels(named, keys=tmp_path, public_url="")
