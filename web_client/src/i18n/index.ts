import { createI18n, type LocaleMessageValue, type VueMessageType } from "vue-i18n";
import { setRequestLanguage } from "@/api/request";
import type { Language } from "@/model/format";
import zh from "./zh";

export const LANGUAGES: readonly Language[] = ["zh-CN", "en"];
const KEPT_AS = "hs_language";

type Dictionary = Record<string, LocaleMessageValue<VueMessageType>>;

export const i18n = createI18n<false>({
  legacy: false,
  locale: "zh-CN",
  fallbackLocale: "zh-CN",
  messages: { "zh-CN": zh as Dictionary },
  missingWarn: false,
  fallbackWarn: false,
});

/** A person's own choice, else the first of the browser's languages we speak, else the court's own. */
export function preferredLanguage(kept: string | null, browser: readonly string[]): Language {
  if (kept === "zh-CN" || kept === "en") return kept;
  for (const tag of browser) {
    if (tag.toLowerCase().startsWith("zh")) return "zh-CN";
    if (tag.toLowerCase().startsWith("en")) return "en";
  }
  return "zh-CN";
}

function keptLanguage(): string | null {
  try {
    return localStorage.getItem(KEPT_AS);
  } catch {
    return null; // Storage is shut in private windows of some phone browsers.
  }
}

export function currentLanguage(): Language {
  return i18n.global.locale.value as Language;
}

/** Switch everything at once: texts, the page's `lang`, and what the server answers in. */
export async function setLanguage(language: Language, keep = true): Promise<void> {
  if (language === "en") i18n.global.setLocaleMessage("en", (await import("./en")).default as never);
  i18n.global.locale.value = language;
  document.documentElement.lang = language;
  setRequestLanguage(language);
  if (!keep) return;
  try {
    localStorage.setItem(KEPT_AS, language);
  } catch {
    // The choice then lasts as long as the page.
  }
}

export const startLanguage = (): Promise<void> =>
  setLanguage(preferredLanguage(keptLanguage(), navigator.languages ?? [navigator.language]), false);
