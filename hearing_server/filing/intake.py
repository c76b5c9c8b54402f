"""What a clerk or an import hands in for a new case, checked field by field.

Every fault is collected with the path of its field, so that one answer names them all. Used by counter filing (one
request), by adding a party, and by the import of whole files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from hearing_server.errors import FieldError, Invalid
from hearing_server.filing.cases import (
    MAX_REPRESENTATIVES,
    Authority,
    Openness,
    PartyKind,
    Procedure,
    Standing,
)
from hearing_server.filing.closed_doors import (
    GROUND_WORDS,
    GROUNDS,
    Ground,
)
from hearing_server.filing.closed_doors import MAX_REASON_CHARS as MAX_DOORS_CHARS
from hearing_server.filing.identity import check_id_number, normalise_phone

# Names of foreigners and companies run long; 80 covers the longest company names in use.
MAX_NAME_CHARS = 80
MAX_CAUSE_CHARS = 60
# A representative action with more parties is led by elected representatives (民事诉讼法 art 56).
MAX_PARTIES = 50

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_PARTY_FIELDS = frozenset({"standing", "kind", "name", "phone", "id_number", "representatives"})
_AGENT_FIELDS = frozenset({"name", "phone", "id_number", "authority"})

# Words a clerk's table uses, beside the protocol's own.
STANDING_WORDS = {
    "原告": Standing.PLAINTIFF, "被告": Standing.DEFENDANT, "第三人": Standing.THIRD_PARTY,
    "上诉人": Standing.APPELLANT, "被上诉人": Standing.APPELLEE,
    "申请人": Standing.APPLICANT, "被申请人": Standing.RESPONDENT,
}  # fmt: skip
KIND_WORDS = {"自然人": PartyKind.NATURAL, "法人": PartyKind.LEGAL, "非法人组织": PartyKind.LEGAL}
PROCEDURE_WORDS = {
    "普通程序": Procedure.ORDINARY, "普通": Procedure.ORDINARY,
    "简易程序": Procedure.SUMMARY, "简易": Procedure.SUMMARY,
    "小额诉讼": Procedure.SMALL_CLAIMS, "小额": Procedure.SMALL_CLAIMS,
    "特别程序": Procedure.SPECIAL, "特别": Procedure.SPECIAL,
}  # fmt: skip
OPENNESS_WORDS = {"公开": Openness.OPEN, "不公开": Openness.CLOSED}
AUTHORITY_WORDS = {
    "一般授权": Authority.GENERAL, "一般代理": Authority.GENERAL,
    "特别授权": Authority.SPECIAL, "特别代理": Authority.SPECIAL,
}  # fmt: skip

Word = TypeVar("Word", bound=StrEnum)
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class RepresentativeIntake:
    """A representative as handed in; phone and number are normalised and checked."""

    name: str
    phone: str
    id_number: str
    authority: Authority


@dataclass(frozen=True, slots=True)
class PartyIntake:
    """A party as handed in."""

    standing: Standing
    kind: PartyKind
    name: str
    phone: str
    id_number: str
    representatives: tuple[RepresentativeIntake, ...] = ()


@dataclass(frozen=True, slots=True)
class DoorsIntake:
    """Why a case that is not open is none."""

    ground: Ground
    reason: str
    request: str


@dataclass(frozen=True, slots=True)
class CaseTerms:
    """The case's own words: cause (案由), procedure, openness; `doors` for a case that is not open."""

    cause: str
    procedure: Procedure
    openness: Openness
    doors: DoorsIntake | None = None


class Faults:
    """Collects what is wrong; `line` is where the piece being read begins (1-based), None for one request's body."""

    def __init__(self, line: int | None = None) -> None:
        self.line = line
        self.found: list[FieldError] = []

    def add(self, field: str, code: str, zh: str, en: str) -> None:
        self.found.append(FieldError(code, zh, en, field, self.line))

    def take(self, field: str, read: Callable[[], Value]) -> Value | None:
        """The value, or None with the fault noted under `field`."""
        try:
            return read()
        except Invalid as fault:
            self.add(field, fault.code, fault.zh, fault.en)
            return None

    def raise_if_any(self, code: str = "input.invalid") -> None:
        if self.found:
            count = len(self.found)
            raise Invalid(
                code, zh=f"共有 {count} 处错误", en=f"{count} faults found", errors=tuple(self.found)
            )


def read_terms(data: Mapping[str, object], faults: Faults) -> CaseTerms | None:
    """Cause, procedure (default ordinary), openness (default open)."""
    cause = faults.take("cause", lambda: _name(data.get("cause"), "case.cause", MAX_CAUSE_CHARS))
    procedure = faults.take(
        "procedure", lambda: _word(data.get("procedure") or "ordinary", Procedure, PROCEDURE_WORDS)
    )
    openness = faults.take(
        "openness", lambda: _word(data.get("openness") or "open", Openness, OPENNESS_WORDS)
    )
    doors = _read_doors(data, faults) if openness is Openness.CLOSED else None
    if cause is None or procedure is None or openness is None:
        return None
    return CaseTerms(cause, procedure, openness, doors)


def _read_doors(data: Mapping[str, object], faults: Faults) -> DoorsIntake | None:
    """The ground with its reason, and who asked where the ground needs it."""
    ground = faults.take("closed_ground", lambda: _word(data.get("closed_ground"), Ground, GROUND_WORDS))
    reason = faults.take(
        "closed_reason", lambda: _name(data.get("closed_reason"), "closed_doors.reason", MAX_DOORS_CHARS)
    )
    request = str(data.get("closed_request") or "").strip()
    needs_request = ground is not None and GROUNDS[ground].on_request
    if len(request) > MAX_DOORS_CHARS or (needs_request and not request):
        faults.add(
            "closed_request", "closed_doors.request",
            "该事由须依当事人申请，请写明何人如何申请", "This ground needs a party's request: say who asked",
        )  # fmt: skip
    return DoorsIntake(ground, reason, request) if ground is not None and reason is not None else None


def read_parties(data: object, faults: Faults, *, path: str = "parties") -> tuple[PartyIntake, ...]:
    """All parties of a new case: at least one, nobody twice."""
    if not isinstance(data, list) or not data:
        faults.add(path, "case.no_parties", "至少需要一名当事人", "A case needs at least one party")
        return ()
    if len(data) > MAX_PARTIES:
        faults.add(
            path, "case.too_many_parties", f"当事人最多 {MAX_PARTIES} 名", f"At most {MAX_PARTIES} parties"
        )
        return ()
    read = [read_party(item, faults, path=f"{path}[{index}]") for index, item in enumerate(data)]
    parties = tuple(party for party in read if party is not None)
    check_people(parties, faults, path=path)
    return parties


def read_party(data: object, faults: Faults, *, path: str = "") -> PartyIntake | None:
    """One party with its representatives; None when anything in it is wrong."""
    if not isinstance(data, Mapping):
        faults.add(path, "input.not_an_object", "应为对象", "This must be an object")
        return None
    before = len(faults.found)
    dot = f"{path}." if path else ""
    _refuse_unknown(data, _PARTY_FIELDS, faults, dot)
    standing = faults.take(f"{dot}standing", lambda: _word(data.get("standing"), Standing, STANDING_WORDS))
    kind = faults.take(f"{dot}kind", lambda: _word(data.get("kind") or "natural", PartyKind, KIND_WORDS))
    name = faults.take(f"{dot}name", lambda: _name(data.get("name"), "person.name", MAX_NAME_CHARS))
    phone = faults.take(f"{dot}phone", lambda: normalise_phone(_text(data.get("phone"))))
    id_kind = kind or PartyKind.NATURAL
    number = faults.take(f"{dot}id_number", lambda: check_id_number(_text(data.get("id_number")), id_kind))
    agents = _read_agents(data.get("representatives"), faults, f"{dot}representatives")
    if (
        len(faults.found) > before
        or standing is None
        or kind is None
        or name is None
        or phone is None
        or number is None
    ):
        return None
    return PartyIntake(standing, kind, name, phone, number, agents)


def read_representative(data: object, faults: Faults) -> RepresentativeIntake | None:
    """One representative who comes later; None when anything in it is wrong."""
    return _read_agent(data, faults, "")


def check_people(parties: tuple[PartyIntake, ...], faults: Faults, *, path: str = "parties") -> None:
    """Nobody is a party twice or both party and agent; one phone is one person's; an agent serves one side only."""
    places: dict[str, str] = {}
    owners: dict[str, str] = {}
    for index, party in enumerate(parties):
        people = [(party.id_number, party.phone, f"party {index}", f"{path}[{index}]")]
        people += [
            (
                agent.id_number,
                agent.phone,
                f"agent {party.standing}",
                f"{path}[{index}].representatives[{place}]",
            )
            for place, agent in enumerate(party.representatives)
        ]
        for number, phone, role, where in people:
            if places.setdefault(number, role) != role:
                faults.add(
                    f"{where}.id_number", "case.person_already_on_case",
                    "此人在本案中已有其他身份", "This person already has another place on the case",
                )  # fmt: skip
            if owners.setdefault(phone, number) != number:
                faults.add(
                    f"{where}.phone", "phone.of_another_person",
                    "该手机号已登记在本案另一人名下", "This phone belongs to somebody else on the case",
                )  # fmt: skip


def _read_agents(data: object, faults: Faults, path: str) -> tuple[RepresentativeIntake, ...]:
    if data is None:
        return ()
    if not isinstance(data, list):
        faults.add(path, "input.not_a_list", "应为列表", "This must be a list")
        return ()
    if len(data) > MAX_REPRESENTATIVES:
        faults.add(
            path,
            "case.too_many_representatives",
            "每位当事人最多委托两名代理人",
            "A party may have at most two representatives",
        )
        return ()
    read = [_read_agent(item, faults, f"{path}[{index}]") for index, item in enumerate(data)]
    return tuple(agent for agent in read if agent is not None)


def _read_agent(data: object, faults: Faults, path: str) -> RepresentativeIntake | None:
    if not isinstance(data, Mapping):
        faults.add(path, "input.not_an_object", "应为对象", "This must be an object")
        return None
    dot = f"{path}." if path else ""
    _refuse_unknown(data, _AGENT_FIELDS, faults, dot)
    name = faults.take(f"{dot}name", lambda: _name(data.get("name"), "person.name", MAX_NAME_CHARS))
    phone = faults.take(f"{dot}phone", lambda: normalise_phone(_text(data.get("phone"))))
    number = faults.take(
        f"{dot}id_number", lambda: check_id_number(_text(data.get("id_number")), PartyKind.NATURAL)
    )
    authority = faults.take(
        f"{dot}authority", lambda: _word(data.get("authority") or "general", Authority, AUTHORITY_WORDS)
    )
    if name is None or phone is None or number is None or authority is None:
        return None
    return RepresentativeIntake(name, phone, number, authority)


def _refuse_unknown(data: Mapping[str, object], known: frozenset[str], faults: Faults, dot: str) -> None:
    for field in sorted(set(map(str, data)) - known):
        faults.add(f"{dot}{field[:40]}", "input.unknown_field", "未知的字段", "Unknown field")


def _name(value: object, code: str, longest: int) -> str:
    text = _text(value).strip()
    if not text or len(text) > longest or _CONTROL.search(text):
        raise Invalid(
            code, zh=f"应为 1 至 {longest} 个可见字符", en=f"This must be 1 to {longest} visible characters"
        )
    return text


def _word(value: object, kind: type[Word], words: Mapping[str, Word]) -> Word:
    text = _text(value).strip()
    if text in words:
        return words[text]
    try:
        return kind(text)
    except ValueError:
        raise Invalid(
            "input.unknown_word",
            zh=f"可填：{'、'.join(words)}",
            en=f"Use one of: {', '.join(kind)}",
        ) from None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise Invalid("input.missing", zh="此项必填", en="This is needed")
    return value
