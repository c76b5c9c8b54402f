import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

const tokens = new Map(
  [...readFileSync("src/styles/tokens.css", "utf8").matchAll(/--([\w-]+):\s*(#[0-9a-f]{6});/giu)].map((match) => [match[1] ?? "", match[2] ?? ""]),
);

/** Relative luminance, WCAG 2.2. */
function luminance(name: string): number {
  const hex = tokens.get(name);
  if (!hex) throw new Error(`no colour --${name}`);
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(text: string, ground: string): number {
  const [light = 0, dark = 0] = [luminance(text), luminance(ground)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

// Text on its ground as the pages use them; 4.5:1 is WCAG 2.2 AA for text of any size.
it.each([
  ["ink", "paper"],
  ["ink-2", "paper"],
  ["ink-3", "paper"],
  ["ink-3", "ground"],
  ["ink-2", "ground-2"],
  ["court", "court-soft"],
  ["court-2", "paper"],
  ["on-court", "court"],
  ["alarm", "alarm-soft"],
  ["proof", "proof-soft"],
  ["caution", "caution-soft"],
  ["on-room", "room"],
  ["on-room-2", "room-2"],
  ["alarm-on-room", "room-3"],
  ["proof-on-room", "room-3"],
  ["caution-on-room", "room-3"],
])("--%s can be read on --%s", (text, ground) => {
  expect(contrast(text, ground)).toBeGreaterThanOrEqual(4.5);
});
