/** A forced reminder as its recipient and the court see it. */

export type ObligationState = "active" | "displayed" | "acknowledged" | "objected" | "handed_over" | "expired" | "cancelled";
export type ReminderChannel = "in_app" | "sms" | "wechat" | "email" | "web_push" | "voice" | "clerk";
/** How much is proven, weakest first. */
export type Grade = "none" | "accepted" | "on_device" | "displayed" | "opened" | "acknowledged";
export interface DeliveryAttempt {
  channel: ReminderChannel;
  level: number;
  at: string;
  state: "queued" | "unknown" | "failed" | "accepted" | "on_device" | "displayed" | "opened";
  reason: string;
  reported_at: string | null;
  simulated: boolean;
  maybe_twice: boolean;
  by_hand: boolean;
}
export interface ReminderDocument {
  kind: string;
  id: string;
  title: string;
  sha256: string;
}
export interface Obligation {
  id: string;
  reminder_id: string;
  case_id: string;
  case_number: string;
  author: { name: string; label: string; label_en?: string };
  ground: string;
  ground_name: string;
  ground_name_en: string;
  title: string;
  text: string;
  documents: ReminderDocument[];
  text_sha256: string;
  urgent: boolean;
  due_at: string | null;
  issued_at: string;
  person: { id: string; name: string; label: string; label_en?: string };
  on_behalf_of: { name: string; label: string; label_en?: string }[];
  state: ObligationState;
  grade: Grade;
  displayed_at: string | null;
  opened_at: string | null;
  acknowledged_at: string | null;
  ended_at: string | null;
  cancel_reason: string;
  objection: string | null;
  later_until: string | null;
  later_left: number;
  later_min: number;
  attempts: DeliveryAttempt[];
  /** On the court's board alone. */
  next_step_at?: string | null;
  is_overdue?: boolean;
  task?: { kind: "call" | "expired" | "objection"; clerk: string | null; raised_at: string; done_at: string | null; note: string } | null;
}
