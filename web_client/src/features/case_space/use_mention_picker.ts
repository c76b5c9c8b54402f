import { computed, nextTick, type Ref, ref, shallowRef, watch } from "vue";
import type { Member } from "@/model/space";
import { insertMention, type MentionQuery, mentionQuery, offered } from "./mentions";

/** The list of names under the finger of who writes "@": what is offered, and what keys and taps do with it. */
export function useMentionPicker(
  text: Ref<string>,
  field: Readonly<Ref<HTMLTextAreaElement | null>>,
  people: Readonly<Ref<readonly Member[]>>,
  isOff: Readonly<Ref<boolean>>,
) {
  const caret = ref(0);
  const active = ref(0);
  /** Closed by Escape: not offered again for this "@". */
  const closedAt = shallowRef<number | null>(null);
  const query = computed<MentionQuery | null>(() => {
    const found = isOff.value ? null : mentionQuery(text.value, caret.value);
    return found?.at === closedAt.value ? null : found;
  });
  const names = computed(() => (query.value ? offered(query.value, people.value) : []));
  watch(names, () => (active.value = 0));

  function noteCaret(): void {
    caret.value = field.value?.selectionStart ?? 0;
    if (closedAt.value !== null && mentionQuery(text.value, caret.value)?.at !== closedAt.value) closedAt.value = null;
  }

  function goTo(place: number): void {
    void nextTick(() => {
      field.value?.focus();
      field.value?.setSelectionRange(place, place);
      noteCaret();
    });
  }

  function choose(one: Member): void {
    if (!query.value) return;
    const next = insertMention(text.value, query.value, caret.value, one.name);
    text.value = next.text;
    goTo(next.caret);
  }

  /** True when the key was meant for the list. */
  function walk(event: KeyboardEvent): boolean {
    const count = names.value.length;
    if (count === 0) return false;
    if (event.key === "ArrowDown") active.value = (active.value + 1) % count;
    else if (event.key === "ArrowUp") active.value = (active.value + count - 1) % count;
    else if (event.key === "Escape") closedAt.value = query.value?.at ?? null;
    else if (event.key === "Enter" || event.key === "Tab") {
      const one = names.value[active.value];
      if (one) choose(one);
    } else return false;
    return true;
  }

  /** An "@" where one writes, as if it had been typed. */
  function begin(): void {
    const at = field.value?.selectionStart ?? text.value.length;
    const gap = at > 0 && !/\s$/u.test(text.value.slice(0, at)) ? " " : "";
    text.value = `${text.value.slice(0, at)}${gap}@${text.value.slice(at)}`;
    goTo(at + gap.length + 1);
  }

  return { names, active, noteCaret, choose, walk, begin };
}
