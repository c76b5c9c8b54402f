"""Takes a picture of a page in each language, checks it for overflow and leftovers, writes a small PNG."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from PIL import Image
from playwright.async_api import Page

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")
TAGS = {"zh": "zh-CN", "en": "en"}
MAX_BYTES = 300_000
# A picture of a whole page ends here: an act log of a hundred lines shows nothing that thirty do not.
LONGEST_PX = 2000
# Flat colours of the pages are kept exactly (a white card on a nearly white ground must stay one); people and the edges
# of letters share the rest.
EXACT_COLOURS, SHARED_COLOURS = 64, 192

# What is wider than its screen, and what is cut off with no way to read it whole.
_FAULTS = """() => {
    const faults = [];
    const root = document.scrollingElement;
    if (root.scrollWidth > innerWidth + 1) faults.push(`page is ${root.scrollWidth} px wide on ${innerWidth}`);
    for (const one of document.querySelectorAll("body *")) {
        const style = getComputedStyle(one);
        if (style.visibility !== "visible" || one.clientWidth === 0) continue;
        if (one.closest("video, select, .visually-hidden")) continue;
        const box = one.getBoundingClientRect();
        if (box.bottom < 0 || box.top > innerHeight) continue;
        const words = (one.textContent ?? "").trim().slice(0, 40);
        const isCut = style.textOverflow === "ellipsis" && one.scrollWidth > one.clientWidth + 1;
        if (isCut) faults.push(`cut off: ${words}`);
        if (box.right > innerWidth + 1 && box.left < innerWidth && style.position !== "fixed" && words !== ""
            && one.children.length === 0) faults.push(`beyond the edge: ${words}`);
    }
    return [...new Set(faults)];
}"""
_TEXT = "() => (document.querySelector('dialog[open]') ?? document.body).innerText"
# Names of formats and protocols, and what people themselves wrote, are the same in every language.
_SAME_EVERYWHERE = re.compile(
    r"https?://\S+|\b(EN|UDP|TCP|VP8|H264|opus|PNG|JPG|WebP|GIF|HEIC|CSV|JSON|MB|KB|GB|kbit|Wi-Fi|Safari|"
    r"judge|clerk2?|president|yunhe-demo|[0-9a-f]{6,})\b"
)


@dataclass
class Camera:
    """Writes `<name>-<form>-<language>.png` into a folder and remembers what looked wrong."""

    folder: Path
    languages: tuple[Language, ...] = LANGUAGES
    only: str = ""
    faults: list[str] = field(default_factory=list)
    taken: int = 0

    async def take(
        self, page: Page, name: str, *, languages: tuple[Language, ...] | None = None, whole: bool = False
    ) -> None:
        """A picture in each language; the page is left in the last language but the first is put back."""
        if self.only and self.only not in name:
            return
        form = "phone" if (page.viewport_size or {"width": 0})["width"] < 600 else "desk"
        wanted = languages or self.languages
        for language in wanted:
            if languages is None:
                await speak(page, language)
            await self._one(page, f"{name}-{form}-{language}", language, whole)
        if languages is None and wanted != ("zh",):
            await speak(page, "zh")

    async def _one(self, page: Page, stem: str, language: Language, whole: bool) -> None:
        await page.evaluate("() => document.fonts.ready")
        # A lit field or the ring around it belongs to the hand that filled it in.
        await page.evaluate(
            "() => document.activeElement instanceof HTMLElement && document.activeElement.blur()"
        )
        # Two frames, so that what was just switched is laid out; then whatever still glides is finished by the driver.
        await page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 350)))")
        raw = await (_whole(page) if whole else page.screenshot(animations="disabled", caret="hide"))
        path = self.folder / f"{stem}.png"
        _write_small(raw, path)
        self.taken += 1
        self.faults += [f"{stem}: {fault}" for fault in await page.evaluate(_FAULTS)]
        text = _SAME_EVERYWHERE.sub("", await page.evaluate(_TEXT))
        strange = re.findall(r"[A-Za-z]{3,}", text) if language == "zh" else []
        if strange:
            self.faults.append(f"{stem}: Latin words: {' '.join(dict.fromkeys(strange))}")
        if path.stat().st_size > MAX_BYTES:
            self.faults.append(f"{stem}: {path.stat().st_size // 1000} KB")


async def speak(page: Page, language: Language) -> None:
    """Through the page's own switch, wherever it stands; a sheet above it does not matter."""
    if await page.evaluate("() => document.documentElement.lang") == TAGS[language]:
        return
    switch = page.locator(f"button[lang='{TAGS[language]}']").first
    await switch.dispatch_event("click")
    await page.wait_for_function("tag => document.documentElement.lang === tag", arg=TAGS[language])


async def _whole(page: Page) -> bytes:
    """The page to its end, on a screen as high as that needs: what sticks to the screen's edges stays there."""
    size = page.viewport_size
    assert size is not None
    height = await page.evaluate("() => document.scrollingElement.scrollHeight")
    height = max(size["height"], min(height, LONGEST_PX))
    await page.set_viewport_size({"width": size["width"], "height": height})
    await page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 150)))")
    raw = await page.screenshot(animations="disabled", caret="hide")
    await page.set_viewport_size(size)
    return raw


def _write_small(raw: bytes, path: Path) -> None:
    picture = Image.open(io.BytesIO(raw)).convert("RGB")
    counted: Any = picture.getcolors(picture.width * picture.height)
    exact = [colour for _, colour in sorted(counted, reverse=True)[:EXACT_COLOURS]]
    shared = picture.quantize(SHARED_COLOURS, method=Image.Quantize.FASTOCTREE).getpalette() or []
    values = [*(part for colour in exact for part in colour), *shared][: 256 * 3]
    palette = Image.new("P", (1, 1))
    palette.putpalette(values)
    small = picture.quantize(palette=palette, dither=Image.Dither.NONE)
    # Pillow looks colours up in steps of four: where a flat colour landed, that colour itself is put.
    strip = Image.new("RGB", (len(exact), 1))
    strip.putdata(exact)
    landed: Any = strip.quantize(palette=palette, dither=Image.Dither.NONE).getdata()
    for colour, index in reversed(list(zip(exact, landed, strict=True))):
        values[3 * index : 3 * index + 3] = colour
    small.putpalette(values)
    small.save(path, optimize=True)
