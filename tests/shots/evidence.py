"""A piece of evidence to photograph: a handwritten-looking loan note of invented people."""

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


def draw_note(path: Path) -> None:
    """Write the note as a picture of 900 x 1200."""
    faces = sorted(glob.glob("/usr/share/fonts/**/Noto*CJK*Regular*", recursive=True))
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont = (
        ImageFont.truetype(faces[0], 46) if faces else ImageFont.load_default(46)
    )
    sheet = Image.new("RGB", (900, 1200), "#b9ac97")
    pen = ImageDraw.Draw(sheet)
    pen.polygon([(60, 70), (850, 50), (865, 1140), (45, 1155)], fill="#f7f3e8")
    for number, line in enumerate(_LINES):
        pen.text((130 if number else 380, 170 + number * 105), line, fill="#24314f", font=font)
    sheet.save(path)
