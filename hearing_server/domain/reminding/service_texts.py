"""The text by which a person agrees to be served electronically (送达地址确认书), with version and hash.

Source: 民事诉讼法 art 90 and 民诉法解释 art 136 (consent, given in the confirmation of the address of service);
在线诉讼规则 (法释〔2021〕12号) arts 29-31; judgments, rulings and mediation papers on paper when asked for.
A changed text is a new version.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from hearing_server.domain.canonical_json import canonical_json


@dataclass(frozen=True, slots=True)
class ServiceText:
    """What was shown. `sha256` covers version and both languages, hex."""

    version: str
    text: str
    text_en: str

    @property
    def sha256(self) -> str:
        shown = {"version": self.version, "text": self.text, "text_en": self.text_en}
        return hashlib.sha256(canonical_json(shown)).hexdigest()


SERVICE_CONSENT = ServiceText(
    "2026-1",
    "法院可以通过本平台以及您提供的手机号码、电子邮箱、微信向您送达诉讼文书。\n"
    "送达信息到达您提供或者确认的电子地址所在系统时，即为送达。您应当保持联系方式畅通，地址变更请及时更改。\n"
    "判决书、裁定书、调解书电子送达后，您仍可以要求法院提供纸质文书。\n"
    "本次同意仅适用于本案。您可以不同意，法院将采用其他方式送达；您也可以随时撤回同意，撤回前已完成的送达仍然有效。",
    "The court may serve documents on you through this platform and by the phone number, e-mail and WeChat you gave.\n"
    "A document is served when it arrives at the system of an address that you gave or confirmed. Keep them "
    "reachable and change them here when they change.\nAfter a judgment, ruling or mediation paper was served "
    "electronically you may still ask for it on paper.\nThis consent holds for this case alone. You may refuse, and "
    "the court will serve you in another way; you may take it back at any time, and what was served before holds.",
)
