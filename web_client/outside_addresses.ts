import type { Plugin } from "vite";

/** `url(//…)` or `url(https://…)` in a style sheet: a fetch from somebody else's server. */
const OUTSIDE_URL = /url\(\s*["']?(?:https?:)?\/\/[^)]*\)/giu;
/** The same as a further source of a font, with its comma and format. */
const OUTSIDE_FONT = /,\s*url\(\s*["']?(?:https?:)?\/\/[^)]*\)(?:\s*format\([^)]*\))?/giu;

/** The style sheet without font sources on other servers; the source within the sheet stays. */
export function withoutOutsideFonts(css: string): string {
  return css.replace(OUTSIDE_FONT, "");
}

export function outsideAddresses(css: string): string[] {
  return css.match(OUTSIDE_URL) ?? [];
}

/**
 * A court's page asks no other server for anything. Vant's icon font names one beside the copy it carries: that
 * source is taken out, and a bundle in which any is left does not get built.
 */
export function noOutsideAddresses(): Plugin {
  return {
    name: "no-outside-addresses",
    enforce: "pre",
    transform(code, id) {
      return /\.css(?:\?|$)/u.test(id) && outsideAddresses(code).length > 0 ? { code: withoutOutsideFonts(code), map: null } : null;
    },
    generateBundle(_options, bundle) {
      for (const file of Object.values(bundle)) {
        if (file.type !== "asset" || !file.fileName.endsWith(".css")) continue;
        const found = outsideAddresses(String(file.source));
        if (found.length > 0) this.error(`${file.fileName} asks another server: ${found.join(" ")}`);
      }
    },
  };
}
