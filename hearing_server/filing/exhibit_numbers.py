"""How a court numbers exhibits: 原告证1, 被告二证3, 法院调取1.

民事诉讼证据规定 art 19: whoever offers evidence sorts and numbers it. The words are the court's, from its profile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hearing_server.errors import Invalid
from hearing_server.filing.cases import Label

_KEYS = frozenset({"party", "party_en", "court", "court_en"})
# A number stands in tables and on the page of a phone.
MAX_PATTERN_CHARS = 40


@dataclass(frozen=True, slots=True)
class ExhibitScheme:
    """Patterns with `{n}`, those of parties with `{label}` as well (原告, 被告一)."""

    party: str = "{label}证{n}"
    party_en: str = "{label}'s exhibit {n}"
    court: str = "法院调取{n}"
    court_en: str = "Court's exhibit {n}"

    def of_party(self, label: Label, number: int) -> Label:
        """The number of a party's exhibit, as it will stand for ever."""
        return Label(_filled(self.party, label.zh, number), _filled(self.party_en, label.en, number))

    def of_court(self, number: int) -> Label:
        """The number of what the court itself collected."""
        return Label(_filled(self.court, "", number), _filled(self.court_en, "", number))


def _filled(pattern: str, label: str, number: int) -> str:
    # The number first: a label is a word of ours, but it is data all the same.
    return pattern.replace("{n}", str(number)).replace("{label}", label)


def exhibit_scheme(data: object) -> ExhibitScheme:
    """The section `[exhibits]` of a court's file. Errors: Invalid `court.profile`."""
    if not isinstance(data, Mapping) or set(data) - _KEYS:
        raise _wrong("exhibits")
    for name, pattern in data.items():
        needed = ("{n}", "{label}") if name.startswith("party") else ("{n}",)
        is_text = isinstance(pattern, str) and 0 < len(pattern) <= MAX_PATTERN_CHARS
        if not is_text or any(str(pattern).count(slot) != 1 for slot in needed):
            raise _wrong(f"exhibits.{name}")
    return ExhibitScheme(**{str(name): str(pattern) for name, pattern in data.items()})


def _wrong(key: str) -> Invalid:
    return Invalid(
        "court.profile",
        zh=f"法院配置项“{key}”缺失或有误",
        en=f"The court's setting {key} is missing or wrong",
    )
