"""Evidence to photograph and to show: a handwritten-looking loan note and a list of transfers, of invented people."""

from __future__ import annotations

import glob
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

_LINES = (
    "借　条",
    "",
    "今借到林书瑶人民币伍万元整",
    "（¥50,000.00），约定于2026年",
    "6月30日前归还。",
    "",
    "借款人：赵建国",
    "2025年6月30日",
)


_TRANSFERS = (
    ("日期", "付款人", "收款人", "金额（元）", "附言"),
    ("2025-07-01", "林书瑶", "赵建国", "50,000.00", "借款"),
    ("2025-09-30", "赵建国", "林书瑶", "1,500.00", "利息"),
    ("2025-12-31", "赵建国", "林书瑶", "1,500.00", "利息"),
    ("2026-03-31", "赵建国", "林书瑶", "1,500.00", "利息"),
)
_COLUMNS_PX = (60, 300, 480, 700, 960)


def _font(size_px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    faces = sorted(glob.glob("/usr/share/fonts/**/Noto*CJK*Regular*", recursive=True))
    return ImageFont.truetype(faces[0], size_px) if faces else ImageFont.load_default(size_px)


def draw_transfers(path: Path) -> None:
    """Write the list as a screen of 1280 x 720."""
    sheet = Image.new("RGB", (1280, 720), "#ffffff")
    pen = ImageDraw.Draw(sheet)
    pen.rectangle((0, 0, 1280, 92), fill="#24425f")
    pen.text((60, 22), "转账明细（证据三）", fill="#ffffff", font=_font(36))
    for number, row in enumerate(_TRANSFERS):
        top = 130 + number * 96
        if number == 0:
            pen.rectangle((40, top, 1240, top + 80), fill="#e8eef5")
        for left, cell in zip(_COLUMNS_PX, row, strict=True):
            pen.text((left, top + 20), cell, fill="#1d2833", font=_font(30))
        pen.line((40, top + 88, 1240, top + 88), fill="#c9d3de", width=2)
    sheet.save(path)


def draw_note(path: Path) -> None:
    """Write the note as a picture of 900 x 1200."""
    font = _font(46)
    sheet = Image.new("RGB", (900, 1200), "#b9ac97")
    pen = ImageDraw.Draw(sheet)
    pen.polygon([(60, 70), (850, 50), (865, 1140), (45, 1155)], fill="#f7f3e8")
    for number, line in enumerate(_LINES):
        pen.text((130 if number else 380, 170 + number * 105), line, fill="#24314f", font=font)
    sheet.save(path)
