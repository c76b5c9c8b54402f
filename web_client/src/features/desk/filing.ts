import { computed, reactive, ref, type ComputedRef, type Ref } from "vue";
import { openCase, type CaseDraft, type PartyDraft } from "@/api/cases";
import { asProblem, type Problem } from "@/api/problem";
import { formatCaseNumber } from "@/model/format";
import type { Case, Openness, Procedure } from "@/model/types";
import { emptyDoors, needsRequest, type DoorsDraft } from "@/features/publicity/doors";
import { newParty, partyWrong, problemByField, type Wrong } from "./drafts";

export interface FilingForm {
  cause: string;
  procedure: Procedure;
  openness: Openness;
  /** Why it is not heard in open court. */
  doors: DoorsDraft;
  judge_id: string;
  numbering: "auto" | "manual";
  type_code: string;
  number: string;
  parties: PartyDraft[];
}

export interface Filing {
  form: FilingForm;
  /** Sentence of each wrong field by its path; empty until the form was first sent. */
  wrong: ComputedRef<Record<string, string>>;
  wrongCount: ComputedRef<number>;
  problem: Ref<Problem | null>;
  busy: Ref<boolean>;
  submit: () => Promise<Case | null>;
}

export function formWrong(form: FilingForm): Wrong {
  const wrong: Wrong = {};
  if (form.cause.trim() === "") wrong["cause"] = "filing.needed";
  if (form.openness === "closed") {
    if (form.doors.reason.trim() === "") wrong["closed_reason"] = "filing.needed";
    if (needsRequest(form.doors.ground) && form.doors.request.trim() === "") wrong["closed_request"] = "filing.needed";
  }
  if (form.judge_id === "") wrong["judge_id"] = "filing.needed";
  if (form.numbering === "manual" && form.number.trim() === "") wrong["number"] = "filing.needed";
  for (const [index, party] of form.parties.entries()) Object.assign(wrong, partyWrong(`parties.${index}`, party));
  return wrong;
}

function doorsOf({ openness, doors }: FilingForm): Pick<CaseDraft, "closed_ground" | "closed_reason" | "closed_request"> {
  if (openness === "open") return {};
  const request = doors.request.trim();
  return { closed_ground: doors.ground, closed_reason: doors.reason.trim(), ...(request ? { closed_request: request } : {}) };
}

export function draftOf(form: FilingForm): CaseDraft {
  const { cause, procedure, openness, judge_id, parties } = form;
  const base = { cause: cause.trim(), procedure, openness, ...doorsOf(form), judge_id, parties };
  return form.numbering === "manual"
    ? { ...base, number: formatCaseNumber(form.number) }
    : { ...base, type_code: form.type_code.trim() };
}

/** Counter filing: the form, what is still wrong with it, and sending it. */
export function useFiling(options: { t: (key: string) => string }): Filing {
  const form = reactive<FilingForm>({
    cause: "",
    procedure: "summary",
    openness: "open",
    doors: emptyDoors(),
    judge_id: "",
    numbering: "auto",
    type_code: "民初",
    number: "",
    parties: [newParty("plaintiff"), newParty("defendant")],
  });
  const hasTried = ref(false);
  const busy = ref(false);
  const problem = ref<Problem | null>(null);

  const own = computed(() => (hasTried.value ? formWrong(form) : {}));
  const wrong = computed(() => ({
    ...problemByField(problem.value),
    ...Object.fromEntries(Object.entries(own.value).map(([path, key]) => [path, key === "" ? "" : options.t(key)])),
  }));

  async function submit(): Promise<Case | null> {
    hasTried.value = true;
    problem.value = null;
    if (Object.keys(own.value).length > 0) return null;
    busy.value = true;
    try {
      return await openCase(draftOf(form));
    } catch (error) {
      problem.value = asProblem(error);
      return null;
    } finally {
      busy.value = false;
    }
  }
  return { form, wrong, wrongCount: computed(() => Object.keys(own.value).length), problem, busy, submit };
}
