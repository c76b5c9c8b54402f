import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { outsideAddresses, withoutOutsideFonts } from "../../outside_addresses";

const icons = readFileSync("node_modules/vant/es/icon/index.css", "utf8");

it("takes the other server out of Vant's icon font and leaves the font within", () => {
  const kept = withoutOutsideFonts(icons);
  expect(outsideAddresses(icons)).toHaveLength(1);
  expect(outsideAddresses(kept)).toEqual([]);
  expect(kept).toMatch(/src:url\(data:font\/woff2[^)]+\) format\("woff2"\)/u);
});

it("finds every way to write one", () => {
  expect(outsideAddresses("a{b:url(//x.example/f)}c{d:url( 'https://y.example/g' )}e{f:url(/own.svg)}g{h:url(data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'%3E)}")).toHaveLength(2);
});
