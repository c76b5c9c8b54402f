/** The data of `docs/PROTOCOL.md` section 1, as it travels. Times are RFC 3339 UTC text. */

import type { Publication } from "./publication";

export * from "./publication";

export type StaffRole = "judge" | "clerk" | "president";
export type Role = StaffRole | "party";
export type Procedure = "ordinary" | "summary" | "small_claims" | "special";
export type Openness = "open" | "closed";
export type Standing =
  | "plaintiff"
  | "defendant"
  | "third_party"
  | "appellant"
  | "appellee"
  | "applicant"
  | "respondent";
export type PartyKind = "natural" | "legal";
export type Authority = "general" | "special";

export interface CourtName {
  name: string;
  name_en: string;
}
export interface Court extends CourtName {
  id: string;
}
export interface Me {
  id: string;
  kind: "staff" | "party";
  role: Role;
  name: string;
  court: Court;
}
export interface Person {
  id: string;
  name: string;
  role: Role;
}

export type HearingState = "scheduled" | "lobby" | "in_session" | "recess" | "closed" | "cancelled";
export interface HearingBrief {
  id: string;
  case_id: string;
  case_number: string;
  cause: string;
  title: string;
  state: HearingState;
  starts_at: string;
  duration_min: number;
  /** The hearing's own order or its case's. */
  openness: Openness;
  closed_doors: ClosedDoors | null;
}

export interface Representative {
  id: string;
  person_id: string;
  name: string;
  /** Null for a reader who is neither the court nor the person. */
  phone_masked: string | null;
  authority: Authority;
}
export interface Party {
  id: string;
  person_id: string;
  name: string;
  kind: PartyKind;
  standing: Standing;
  ordinal: number;
  /** 原告, 被告一 … as the court calls the party. */
  label?: string;
  label_en?: string;
  phone_masked: string | null;
  id_masked: string | null;
  representatives: Representative[];
}
export interface DocketEntry {
  seq: number;
  kind: string;
  title: string;
  title_en: string;
  at: string;
  actor_name: string | null;
}
interface CaseCore {
  id: string;
  number: string;
  cause: string;
  procedure: Procedure;
  openness: Openness;
  closed_doors: ClosedDoors | null;
  state: "filed" | "closed";
  court: Court;
  judge: Pick<Person, "id" | "name"> | null;
  clerk: Pick<Person, "id" | "name"> | null;
  filed_at: string;
  my_role: string;
}
export interface Case extends CaseCore {
  parties: Party[];
  hearings: HearingBrief[];
  docket: DocketEntry[];
}
export type PartyBrief = Pick<Party, "id" | "person_id" | "name" | "kind" | "standing" | "ordinal" | "label" | "label_en"> & {
  representatives?: Pick<Representative, "id" | "person_id" | "name" | "authority">[];
};
export interface CaseBrief extends CaseCore {
  parties: PartyBrief[];
  next_hearing: HearingBrief | null;
  unread: number;
}

export type Presence =
  | "absent"
  | "checking"
  | "testing"
  | "waiting"
  | "admitted"
  | "present"
  | "left"
  | "removed";
export type Connection = "none" | "connecting" | "connected" | "weak" | "silent" | "lost";
export type PageState = "visible" | "hidden" | "interrupted";
export type ConsentDecision = "granted" | "refused";
export type ConsentStage = "online_hearing" | "recording";
export type HearingRight =
  | "admit"
  | "open"
  | "recess"
  | "resume"
  | "seal"
  | "unseal"
  | "close"
  | "reopen"
  | "mute"
  | "remove"
  | "publish"
  | "speak";
export type MicrophoneState = "off" | "on" | "muted" | "muted_by_court";
export type CameraState = "off" | "on" | "muted" | "muted_by_court";
export type ScreenState = "off" | "on" | "muted" | "muted_by_court";

/** What the court's server measured of a person's line. Up: from the person; down: to the person. */
export interface PathFacts {
  rtt_ms: number | null;
  loss_pct: number | null;
  transport: string | null;
  since: string | null;
  jitter_ms?: number | null;
  loss_up_pct?: number | null;
  loss_down_pct?: number | null;
  up_kbps?: number | null;
  down_kbps?: number | null;
  /** Lines of the tallest picture on its way; 0 without one. */
  up_height_px?: number | null;
  down_height_px?: number | null;
}

export interface HearingPerson {
  person_id: string;
  name: string;
  role: "judge" | "clerk" | "party" | "representative";
  standing: Standing | null;
  label: string;
  label_en: string;
  presence: Presence;
  connection: Connection;
  page: PageState;
  facts: PathFacts;
  microphone: MicrophoneState;
  camera: CameraState;
  screen: ScreenState;
  identity_checked: boolean;
  consents: Record<ConsentStage, ConsentDecision | null>;
  self_test: "passed" | "failed" | null;
  waiting_since: string | null;
}
/** The three lawful pauses of a record. Only in a recess does the room stand still as well. */
export type PauseKind = "recess" | "closed_exhibit" | "mediation";
export interface RecordingLight {
  state: "idle" | "writing" | "paused" | "stalled" | "failed" | "sealed";
  verified_s: number;
  alarm: { code: string; title: string } | null;
  proven_at: string | null;
  /** How many of two recorders are seen to write; null where the court records once. */
  recorders: { expected: number; writing: number; down: ("first" | "second")[] } | null;
}
/** Something is wrong with the recording, or was and waits for the judge's signature; only the bench is told. */
export interface FailureBrief {
  id: string;
  kind: "silent" | "frozen" | "missing" | "undecodable" | "stalled" | "failed" | "one_recorder";
  person_id: string | null;
  source: string | null;
  title: string;
  began_at: string;
  ended_at: string | null;
  is_signed: boolean;
}
/** 故障说明: drafted from facts, signed by the judge. */
export interface Failure extends Omit<FailureBrief, "is_signed"> {
  hearing_id: string;
  recording_id: string;
  cause: string;
  draft: string;
  noticed_at: string;
  remarks: string;
  signed_by: string | null;
  signed_at: string | null;
}
export interface Hearing {
  id: string;
  version: number;
  case: { id: string; number: string; cause: string };
  title: string;
  court: CourtName;
  state: HearingState;
  starts_at: string;
  duration_min: number;
  openness: Openness;
  closed_doors: Pick<ClosedDoors, "ground" | "law" | "law_en"> | null;
  opened_at: string | null;
  recess: { kind?: PauseKind; reason: string; since: string; resumes_at: string | null } | null;
  /** A sealed span in force: recorded, and shown in no copy. */
  sealed?: { reason: string; since: string } | null;
  closed_at: string | null;
  undo_close_until: string | null;
  in_session_s: number;
  recording: RecordingLight;
  failures?: FailureBrief[];
  speaker: string | null;
  people: HearingPerson[];
  /** Others that wait, when their names are not for this viewer. */
  others_waiting?: number;
  me: { person_id: string; may: HearingRight[] };
}

export interface LaneSender {
  person_id: string;
  name: string;
  label: string;
  label_en?: string;
}
/** A later version of a text; the first words stay in the body. */
export interface Correction {
  seq: number;
  text: string;
  server_time: string;
}
/** The content is out of sight: since when, by whom and why. */
export interface Withheld {
  seq: number;
  at: string;
  by: LaneSender | null;
  ground: string;
  reason: string;
  by_author: boolean;
}
/** The message that is answered, in the server's words. */
export interface Quoted {
  seq: number;
  type: string;
  sender: LaneSender | null;
  excerpt: string;
  is_withheld: boolean;
  duration_ms?: number;
}
export interface LaneEvent {
  lane: string;
  seq: number;
  event_id: string;
  type: string;
  sender: LaneSender | null;
  client_id: string | null;
  body: Record<string, unknown>;
  server_time: string;
  prev_hash: string;
  hash: string;
  corrections?: Correction[];
  withheld?: Withheld;
  quoted?: Quoted;
}

export interface Gap {
  identity_name: string | null;
  source: string | null;
  start: string;
  end: string;
  cause: string;
}
export interface Film {
  state: "none" | "queued" | "composing" | "ready" | "failed";
  progress: number;
  duration_s: number | null;
  size_bytes: number | null;
  sha256: string | null;
  error: string | null;
}
export interface Recording {
  id: string;
  hearing: HearingBrief;
  state: "recording" | "sealed" | "failed";
  started_at: string;
  closed_at: string | null;
  tracks: number;
  segments: number;
  bytes: number;
  root_sha256: string | null;
  gaps: Gap[];
  film: Film;
  parties_may_download: boolean;
  publication: Publication | null;
}
export interface Archive {
  recording_id: string;
  state: "waiting" | "stored" | "failed";
  retention: "permanent" | "long" | "short";
  keep_until: string | null;
  sha256: string | null;
  size_bytes: number;
  files: number;
  made_at: string | null;
  error: string | null;
  checked_at: string | null;
  check_error: string | null;
  hold: { at: string; reason: string } | null;
}
export interface Replay {
  recording: Recording;
  duration_s: number;
  chapters: { from_s: number; until_s: number; kind: "hearing" | "pause" | "break" | "sealed" | "cut"; reason: string }[];
  notes: { at_s: number; at: string; kind: string; people: string[] }[];
  speech: { name: string; from_s: number; until_s: number }[];
  may_download: boolean;
  may_release: boolean;
  playlist_url: string;
}
export type TrackShown = "camera" | "screen" | "voice";
/** One person's camera, screen or voice, made when somebody asks for it. */
export interface SingleTrack {
  person_id: string;
  name: string;
  label: { zh: string; en: string };
  shown: TrackShown;
  spans: [number, number][];
  state: "none" | "queued" | "composing" | "ready" | "failed";
  progress: number;
  playlist_url: string;
  small_playlist_url: string;
}
export interface SingleTracks {
  most_at_once: number;
  items: SingleTrack[];
}
export type Ground = "state_secret" | "privacy" | "minor" | "trade_secret" | "divorce" | "other_law";
/** 不公开审理: the order that closes the doors. */
export interface ClosedDoors {
  ground: Ground;
  law: string;
  law_en: string;
  reason: string;
  request: string;
  at: string;
}
export interface ConsentText {
  stage: ConsentStage;
  version: string;
  sha256: string;
  text: string;
  text_en: string;
}
export interface Config {
  court: Court;
  demo: boolean;
  simulated: string[];
  version: string;
  limits: { attachment_bytes: number; upload_bytes?: number; text_chars: number; correction_s?: number; withdraw_s?: number; contact_requests_per_day?: number };
  /** Type codes (类型代字) this court gives. */
  case_types?: { code: string; name: string; name_en: string }[];
  consents: ConsentText[];
}
