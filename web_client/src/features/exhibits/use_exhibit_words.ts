import { useWords } from "@/i18n/words";
import type { Exhibit } from "@/model/exhibit";

/** What an exhibit is called on a page. */
export function useExhibitWords() {
  const { t, either } = useWords();
  const number = (one: Exhibit): string => (one.number === null ? t("exhibits.draft") : either(one.number, one.number_en ?? ""));
  const side = (one: Exhibit): string => either(one.side.label, one.side.label_en);
  /** Its title; of a stub, that it is private; of a draft without one, its kind. */
  const title = (one: Exhibit): string => {
    if (one.sight === "stub") return t("exhibits.stub.title");
    return one.title === null || one.title === "" ? t(`exhibits.kind.${one.kind}`) : one.title;
  };
  /** What happens next with it, in one sentence, for who looks. */
  const next = (one: Exhibit, hasSpoken: boolean): string => {
    if (one.sight === "stub") return t(one.state === "exchanged" ? "exhibits.next.stubKept" : `exhibits.next.${one.state === "withdrawn" ? "withdrawn" : "sealedWait"}`);
    if (one.may.includes("opine")) return t(hasSpoken ? "exhibits.next.opined" : "exhibits.next.opine");
    const waits = one.is_sealed && one.sight === "full" && (one.state === "submitted" || one.state === "checked");
    const isOpen = one.seal?.decisions.at(-1)?.kind === "disclose" || one.seal?.decisions.at(-1)?.kind === "redacted";
    if (waits && one.state === "checked" && !isOpen) return t("exhibits.next.sealedWait");
    return t(`exhibits.next.${one.state}`);
  };
  return { number, side, title, next };
}
