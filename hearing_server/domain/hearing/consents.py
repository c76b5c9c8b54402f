"""Consent to the online hearing and to being recorded: the texts with version and hash, and what a person decided.

Source: 民事诉讼法 art 16 and 在线诉讼规则 (法释〔2021〕12号) art 4: consent is given per stage, after being told of the
steps, forms, rights, duties and consequences; consent to one stage
is none to another. 录音录像规定 (法释〔2017〕5号) art 1.
A changed text is a new version: old versions stay here for ever, since decisions name them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hearing_server.domain.canonical_json import canonical_json
from hearing_server.errors import Conflict, Invalid
from hearing_server.kernel import HearingId, PersonId


class ConsentStage(StrEnum):
    ONLINE_HEARING = "online_hearing"
    RECORDING = "recording"


class Decision(StrEnum):
    GRANTED = "granted"
    REFUSED = "refused"


REQUIRED_STAGES = (ConsentStage.ONLINE_HEARING, ConsentStage.RECORDING)


@dataclass(frozen=True, slots=True)
class ConsentText:
    """What was shown. `sha256` covers stage, version and both languages, hex."""

    stage: ConsentStage
    version: str
    text: str
    text_en: str

    @property
    def sha256(self) -> str:
        shown = {
            "stage": str(self.stage),
            "version": self.version,
            "text": self.text,
            "text_en": self.text_en,
        }
        return hashlib.sha256(canonical_json(shown)).hexdigest()


@dataclass(frozen=True, slots=True)
class Consent:
    """One decision of one person on one stage of one hearing. A later decision is a new record."""

    hearing_id: HearingId
    person_id: PersonId
    stage: ConsentStage
    decision: Decision
    text_version: str
    text_sha256: str
    at: datetime


# Newest version of a stage last.
CONSENT_TEXTS: tuple[ConsentText, ...] = (
    ConsentText(
        ConsentStage.ONLINE_HEARING,
        "2026-1",
        "本次庭审拟通过网络视频方式进行。在线庭审与现场庭审具有同等法律效力。\n您需要在安静、明亮、相对封闭的场所，使用带摄像头和"
        "麦克风的手机或电脑参加，全程遵守法庭纪律，未经许可不得离开画面，不得自行录音、录像、截屏或传播庭审内容。\n除网络故障、"
        "设备损坏、电力中断或不可抗力外，无正当理由不按时到庭或中途退庭的，可能承担相应的法律后果。\n您可以不同意在线庭审，"
        "由法庭依法决定以其他方式审理；同意后确有困难的，可以在合理期限内向法庭申请转为线下。本次同意仅适用于本次庭审。",
        "This hearing is to be held by video over the network. It has the same legal effect as a "
        "hearing in the courtroom.\nTake part from a quiet, well-lit and closed place with a phone "
        "or computer that has a camera and a microphone; keep the order of the court, don't leave "
        "the picture without leave, and don't record, film, capture or pass on the hearing.\nExcept "
        "for network failure, broken devices, power cuts or force majeure, not appearing on time or"
        " leaving without good reason may have legal consequences.\nYou may refuse; the court then "
        "decides how the case is heard. Having agreed, you may still ask within reasonable time to "
        "be heard in person. This consent covers this hearing only.",
    ),
    ConsentText(
        ConsentStage.RECORDING,
        "2026-1",
        "依照规定，庭审自宣布开庭起至闭庭止全程录音录像，休庭等法定情形除外。\n录音录像由法院保存，用于制作和核对庭审笔录、"
        "查明庭审情况；您和您的代理人可以依规定通过本平台查阅。\n法院依法公开庭审录像的，须另行审批，您有正当理由的可以提出异议。\n"
        "未经法院许可，任何人不得复制、剪辑、传播录音录像。",
        "As the rules require, the hearing is recorded in sound and picture from its opening to its"
        " closing, except in recess and other cases named by law.\nThe court keeps the recording and"
        " uses it to make and check the transcript and to establish what happened; you and your "
        "representatives may view it on this platform as the rules provide.\nMaking a recording public needs a"
        " separate approval, and you may object for good reason.\nNobody may copy, cut or pass on "
        "the recording without the court's leave.",
    ),
)


def current_text(stage: ConsentStage) -> ConsentText:
    """The version that is asked for today."""
    return [text for text in CONSENT_TEXTS if text.stage is stage][-1]


def decide(
    *,
    hearing_id: HearingId,
    person_id: PersonId,
    stage: ConsentStage,
    decision: Decision,
    text_version: str,
    at: datetime,
) -> Consent:
    """The record of a decision on the text that is current.

    Errors: Invalid `consent.unknown_text`; Conflict `consent.text_changed` when an older version was shown.
    """
    known = {text.version: text for text in CONSENT_TEXTS if text.stage is stage}
    shown = known.get(text_version)
    if shown is None:
        raise Invalid(
            "consent.unknown_text", zh="告知书版本不存在", en="There is no such version of the text"
        )
    if shown is not current_text(stage):
        raise Conflict(
            "consent.text_changed",
            zh="告知书已更新，请重新阅读后确认",
            en="The text has changed; please read it again",
        )
    return Consent(hearing_id, person_id, stage, decision, shown.version, shown.sha256, at)
