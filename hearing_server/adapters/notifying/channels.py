"""The channels of one court from its settings: real where a provider is named, simulated everywhere else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hearing_server.adapters.notifying.email import EmailChannel, SmtpServer
from hearing_server.adapters.notifying.gateway import Gateway
from hearing_server.adapters.notifying.simulated import SimulatedChannel
from hearing_server.adapters.notifying.web_push import VapidKey, WebPush
from hearing_server.channel_settings import ChannelSettings
from hearing_server.domain.reminding.signed_calls import MIN_SECRET_BYTES
from hearing_server.errors import Unavailable
from hearing_server.ports.notices import Notifier

_GATEWAYS = ("sms", "wechat", "voice")


@dataclass(frozen=True, slots=True)
class Channels:
    """`secrets` of the gateways that report back; `push_key` for browsers."""

    by_name: dict[str, Notifier]
    secrets: dict[str, bytes]
    push_key: str


def open_channels(settings: ChannelSettings, *, keys: Path, public_url: str) -> Channels:
    """Errors: Unavailable `channel.secret` for a secret that is missing or too short."""
    by_name: dict[str, Notifier] = {}
    secrets: dict[str, bytes] = {}
    for name in _GATEWAYS:
        url, file = getattr(settings, f"{name}_url"), getattr(settings, f"{name}_secret_file")
        if not url:
            by_name[name] = SimulatedChannel()
            continue
        secrets[name] = _secret(file, name)
        by_name[name] = Gateway(name, url, secrets[name])
    by_name["email"] = _email(settings)
    contact = settings.push_contact or public_url
    # Push services refuse a contact that is neither a mailbox nor an https page.
    if not contact.startswith(("mailto:", "https://")):
        contact = "mailto:webmaster@localhost.invalid"
    push = WebPush(VapidKey(keys), settings.push_hosts, contact)
    by_name["web_push"] = push
    return Channels(by_name, secrets, push.public_key)


def _email(settings: ChannelSettings) -> Notifier:
    if not settings.smtp_host:
        return SimulatedChannel()
    password = _read(settings.smtp_password_file, "smtp") if settings.smtp_password_file else ""
    return EmailChannel(
        SmtpServer(
            settings.smtp_host,
            settings.smtp_port,
            settings.smtp_security,
            settings.smtp_from,
            settings.smtp_username,
            password,
        )
    )


def _secret(file: Path | None, name: str) -> bytes:
    secret = _read(file, name).encode() if file is not None else b""
    if len(secret) < MIN_SECRET_BYTES:
        raise _missing(name)
    return secret


def _read(file: Path, name: str) -> str:
    try:
        return file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise _missing(name) from error


def _missing(name: str) -> Unavailable:
    return Unavailable(
        "channel.secret",
        zh=f"通知渠道 {name} 的密钥文件缺失或过短",
        en=f"The secret file of the channel {name} is missing or too short",
    )
