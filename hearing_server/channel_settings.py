"""Settings of the channels to people's devices: a part of the tree of `settings.py`, in a file of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class ChannelSettings(BaseModel):
    """How people are reached outside the page. A channel without a provider is simulated, and says so."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sms_url: str = Field("", description="SMS gateway that takes signed calls; empty: simulated.")
    sms_secret_file: Path | None = Field(
        None, description="File with the secret shared with the SMS gateway."
    )
    wechat_url: str = Field("", description="Gateway of WeChat service notices; empty: simulated.")
    wechat_secret_file: Path | None = Field(
        None, description="File with the secret shared with the WeChat gateway."
    )
    voice_url: str = Field("", description="Gateway of automatic voice calls; empty: simulated.")
    voice_secret_file: Path | None = Field(
        None, description="File with the secret shared with the voice gateway."
    )
    smtp_host: str = Field("", description="Mail server that takes our e-mail; empty: simulated.")
    smtp_port: int = Field(587, ge=1, le=65535, description="Port of the mail server.")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="starttls (required), tls (from the first byte), none (same machine only)."
    )
    smtp_username: str = Field("", description="User name at the mail server; empty: none.")
    smtp_password_file: Path | None = Field(None, description="File with the password at the mail server.")
    smtp_from: str = Field("", description="Sender of our e-mail, e.g. notices@court.example.")
    push_contact: str = Field(
        "", description="mailto: or https: address that push services may complain to; empty: the public URL."
    )
    push_hosts: tuple[str, ...] = Field(
        (
            "fcm.googleapis.com",
            "updates.push.services.mozilla.com",
            "web.push.apple.com",
            ".notify.windows.com",
        ),
        description="Push services browsers may bring; .example.com means all below. Nothing else is ever called.",
    )

    @model_validator(mode="after")
    def _mail_has_a_sender(self) -> ChannelSettings:
        if self.smtp_host and "@" not in self.smtp_from:
            raise ValueError("channels.smtp_host needs channels.smtp_from")
        return self
