"""What a notice says, sealed: nobody who reads the database reads whom the court told what."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from hearing_server.ports.notices import Letter, Notice
from hearing_server.ports.vault import Vault

_MARK = '{"letter":1,'


@dataclass(frozen=True, slots=True)
class Words:
    """`text` is whole by itself (it holds the link in full where a channel shows plain text only)."""

    title: str
    text: str
    link: str = ""
    data: Mapping[str, str] = field(default_factory=dict)


def seal_words(vault: Vault, words: Words, notice_id: str) -> bytes:
    content = {"title": words.title, "text": words.text, "link": words.link, "data": dict(words.data)}
    text = _MARK + json.dumps(content, ensure_ascii=False)[1:]
    return vault.seal(text, context=f"notices.body:{notice_id}")


def open_words(vault: Vault, notice: Notice) -> Words:
    """Notices of before releases with channels hold the bare text."""
    text = vault.open(notice.body_sealed, context=f"notices.body:{notice.id}")
    if not text.startswith(_MARK):
        return Words("", text)
    held = json.loads(text)
    return Words(held["title"], held["text"], held["link"], held["data"])


def push_token(vault: Vault, notice_id: str) -> str:
    """What a browser shows when it says that a push was displayed: made from the notice, kept nowhere."""
    return vault.index(notice_id, purpose="push-receipt")[:32]


def is_push_token(vault: Vault, notice_id: str, token: str) -> bool:
    return hmac.compare_digest(push_token(vault, notice_id).encode(), token.encode())


def open_letter(vault: Vault, notice: Notice) -> Letter:
    """The notice as its channel gets it."""
    words = open_words(vault, notice)
    to = vault.open(notice.to_sealed, context=f"notices.to:{notice.id}")
    data = dict(words.data)
    if notice.channel == "web_push":
        data |= {"notice": notice.id, "token": push_token(vault, notice.id)}
    return Letter(notice.dedup_key, to, words.title, words.text, words.link, data)
