"""What a sender is told of a refused file: the cause and the next step, in words."""

from __future__ import annotations

from hearing_server.domain.case_space.attachments import Refusal
from hearing_server.errors import HearingError, Invalid, TooLarge

_WORDS: dict[Refusal, HearingError] = {
    Refusal.EMPTY: Invalid(
        "attachment.empty", zh="文件是空的，请重新选择", en="The file is empty; please choose it again"
    ),
    Refusal.TYPE: Invalid(
        "attachment.type",
        zh="不支持这种文件。可上传：图片、PDF、Word、Excel、PPT、文本、录音、视频",
        en="This kind of file can't be sent. Pictures, PDF, Word, Excel, PowerPoint, text, sound and film can",
    ),
    Refusal.EXECUTABLE: Invalid("attachment.executable", zh="程序文件不能上传", en="Programs can't be sent"),
    Refusal.MACROS: Invalid(
        "attachment.macros",
        zh="文件含有宏，请另存为不含宏的文件或 PDF 后再上传",
        en="The file holds macros; save it without them or as PDF and send that",
    ),
    Refusal.ENCRYPTED: Invalid(
        "attachment.encrypted",
        zh="文件有密码保护，请取消密码后再上传",
        en="The file is protected by a password; remove it and send the file again",
    ),
    Refusal.POLYGLOT: Invalid(
        "attachment.polyglot",
        zh="文件里藏有其他类型的内容，不能上传",
        en="The file hides content of another kind and can't be taken",
    ),
    Refusal.UNREADABLE: Invalid(
        "attachment.unreadable",
        zh="文件已损坏或不完整，无法打开，请重新导出后再上传",
        en="The file is damaged or incomplete and can't be opened; export it again and send that",
    ),
    Refusal.TOO_LARGE: TooLarge(
        "attachment.too_large",
        zh="文件超过大小上限，请压缩或分成几份",
        en="The file is too large; make it smaller or split it",
    ),
    Refusal.TOO_MANY_PIXELS: Invalid(
        "attachment.too_many_pixels",
        zh="图片尺寸过大，请缩小后再发送",
        en="The picture has too many pixels; please make it smaller",
    ),
    Refusal.TOO_MANY_PAGES: Invalid(
        "attachment.too_many_pages", zh="页数太多，请分成几份上传", en="Too many pages; please split the file"
    ),
    Refusal.TOO_LONG: Invalid(
        "attachment.too_long",
        zh="录音或视频太长，请分段上传",
        en="The recording is too long; please split it",
    ),
    Refusal.BOMB: Invalid(
        "attachment.bomb",
        zh="文件解压后异常庞大，不能上传",
        en="Unpacked, the file would be enormous; it can't be taken",
    ),
    Refusal.OFFICE_MISSING: Invalid(
        "attachment.office_missing",
        zh="本院暂不接收旧版 Office 文件，请另存为 DOCX、XLSX 或 PDF",
        en="Old Office files can't be opened here; save as DOCX, XLSX or PDF",
    ),
    Refusal.INFECTED: Invalid(
        "attachment.infected",
        zh="文件含有病毒，已拒收。请先在设备上杀毒",
        en="A virus was found in the file; it was not taken. Please clean your device first",
    ),
    Refusal.NOT_SCANNABLE: Invalid(
        "attachment.not_scannable",
        zh="文件太大，无法查毒，请分成几份上传",
        en="The file is too large to be scanned for viruses; please split it",
    ),
    Refusal.HASH_MISMATCH: Invalid(
        "attachment.hash_mismatch",
        zh="收到的文件与原文件不一致，请重新上传",
        en="What arrived isn't what was sent; please send it again",
    ),
    Refusal.TOO_SLOW: Invalid(
        "attachment.too_slow",
        zh="文件内容过于复杂，无法在规定时间内检查，请另存为 PDF 后再上传",
        en="The file is too complex to be checked in time; save it as PDF and send that",
    ),
}


def refusal_error(reason: str) -> HearingError:
    """The error of a refused attachment, new for each who is told."""
    known = _WORDS[Refusal(reason)]
    return type(known)(known.code, zh=known.zh, en=known.en)
