import { useI18n } from "vue-i18n";
import { asProblem, type Problem } from "@/api/problem";
import {
  formatDate,
  formatDateTime,
  formatDuration,
  formatWhen,
  type Language,
} from "@/model/format";
import type { CourtName } from "@/model/types";

/** Texts, and the court's way to write dates, in the language of the moment. */
export function useWords() {
  const { t, te, locale } = useI18n();
  const language = (): Language => locale.value as Language;

  /** A plain sentence for anything thrown: our own text for the code, else the server's title, else a general one. */
  function problemText(thrown: unknown): string {
    const problem: Problem = asProblem(thrown);
    const key = `errors.${problem.code}`;
    const wait = problem.retryAfterS === null ? "" : t("errors.wait", { seconds: Math.ceil(problem.retryAfterS) });
    if (te(key)) return t(key) + wait;
    if (problem.title !== "" && !problem.code.startsWith("client.")) return problem.title + wait;
    return t(problem.status >= 500 ? "errors.server" : "errors.unknown", { code: problem.code }) + wait;
  }

  return {
    t,
    te,
    language,
    problemText,
    courtName: (court: CourtName): string => (language() === "en" && court.name_en !== "" ? court.name_en : court.name),
    /** Pick the text of a pair the server sends in both languages. */
    either: (zh: string, en: string): string => (language() === "en" && en !== "" ? en : zh),
    date: (at: string | Date): string => formatDate(at, language()),
    dateTime: (at: string | Date): string => formatDateTime(at, language()),
    when: (at: string | Date, now = new Date()): string => formatWhen(at, now, language()),
    duration: (seconds: number): string => formatDuration(seconds, language()),
  };
}
