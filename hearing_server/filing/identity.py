"""Identity numbers and phones: normalise, check, mask, last four.

Sources: GB 11643-1999 (resident number: place 6, birth date 8, sequence 3, check character by ISO 7064 MOD 11-2);
GB 32100-2015 (统一社会信用代码, 18 characters, check character modulo 31).
"""

from __future__ import annotations

import re
import unicodedata

from stdnum.cn import ric, uscc
from stdnum.exceptions import ValidationError

from hearing_server.errors import Invalid
from hearing_server.filing.cases import PartyKind

# Everything but I, O, S, V, Z (GB 32100-2015, 4.1).
_USCC_ALPHABET = frozenset("0123456789ABCDEFGHJKLMNPQRTUWXY")
_RESIDENT = re.compile(r"[1-9][0-9]{16}[0-9X]")
# Mobile numbers of the mainland begin with 13 to 19 and have 11 digits (工信部 numbering plan).
_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_EARLIEST_BIRTH_YEAR = 1900
MAX_INPUT_CHARS = 40


def check_id_number(text: str, kind: PartyKind) -> str:
    """The normalised number: a resident number for a natural, a unified social credit code for a legal person.

    Errors: Invalid `id_number.length`, `.characters`, `.birth_date`, `.check_digit`.
    """
    plain = _plain(text).upper()
    if len(plain) != 18:
        raise _wrong("length", "证件号码应为 18 位", "The identity number must have 18 characters")
    return _resident(plain) if kind is PartyKind.NATURAL else _organisation(plain)


def last_four(id_number: str) -> str:
    """What a person types at the door: the last four characters, X in upper case."""
    return _plain(id_number).upper()[-4:]


def mask_id_number(id_number: str) -> str:
    """`330102199001011234` → `330***********1234`: enough to recognise one's own, too little to guess."""
    return f"{id_number[:3]}{'*' * (len(id_number) - 7)}{id_number[-4:]}"


def normalise_phone(text: str) -> str:
    """Eleven digits without +86, blanks or dashes.

    Errors: Invalid `phone.malformed`.
    """
    plain = _plain(text)
    for prefix in ("+86", "0086"):
        plain = plain.removeprefix(prefix)
    if len(plain) == 13 and plain.startswith("86"):
        plain = plain[2:]
    if not _MOBILE.fullmatch(plain):
        raise Invalid(
            "phone.malformed", zh="手机号应为 11 位数字", en="The mobile number must have 11 digits"
        )
    return plain


def mask_phone(phone: str) -> str:
    """`13800001234` → `138****1234`."""
    return f"{phone[:3]}****{phone[-4:]}"


def _plain(text: str) -> str:
    """Half-width, without white space, dashes, dots and brackets. Over-long input is cut: it can't be valid anyway."""
    folded = unicodedata.normalize("NFKC", text[:MAX_INPUT_CHARS])
    return re.sub(r"[\s\-‐-―−.()]", "", folded)


def _resident(plain: str) -> str:
    if not _RESIDENT.fullmatch(plain):
        raise _wrong("characters", "居民身份证号前 17 位应为数字", "The first 17 characters must be digits")
    try:
        born = ric.get_birth_date(plain)
    except ValidationError:
        born = None
    if born is None or born.year < _EARLIEST_BIRTH_YEAR:
        raise _wrong("birth_date", "身份证号中的出生日期不存在", "The birth date in the number doesn't exist")
    # The place isn't looked up: districts were renamed and merged, and 81/82/83 are numbers of residence permits.
    if plain[-1] != ric.calc_check_digit(plain):
        raise _wrong(
            "check_digit", "身份证号校验位不符，请核对", "The check digit doesn't match; please compare"
        )
    return plain


def _organisation(plain: str) -> str:
    if not set(plain) <= _USCC_ALPHABET:
        raise _wrong(
            "characters",
            "统一社会信用代码含有无效字符",
            "The code contains characters that don't occur in it",
        )
    if plain[-1] != uscc.calc_check_digit(plain):
        raise _wrong(
            "check_digit",
            "统一社会信用代码校验位不符，请核对",
            "The check digit doesn't match; please compare",
        )
    return plain


def _wrong(what: str, zh: str, en: str) -> Invalid:
    return Invalid(f"id_number.{what}", zh=zh, en=en)
