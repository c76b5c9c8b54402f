/** Dates, times, sizes and case numbers as the court writes them. Pure: language and time come in. */

export type Language = "zh-CN" | "en";

/** A court sits in its own time wherever the reader is. China has one zone and no summer time. */
export const COURT_TIME_ZONE = "Asia/Shanghai";
const COURT_OFFSET = "+08:00";

interface CourtClock {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  weekday: number;
}

const CLOCK = new Intl.DateTimeFormat("en-GB", {
  timeZone: COURT_TIME_ZONE,
  year: "numeric",
  month: "numeric",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});
const WEEKDAY_ZH = ["日", "一", "二", "三", "四", "五", "六"] as const;
const WEEKDAY_EN = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"] as const;
const MONTH_EN = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;

function courtClock(at: string | Date): CourtClock {
  const instant = typeof at === "string" ? new Date(at) : at;
  const part: Record<string, number> = {};
  for (const { type, value } of CLOCK.formatToParts(instant)) part[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
  return { year, month, day, hour, minute, second, weekday: new Date(Date.UTC(year, month - 1, day)).getUTCDay() };
}

const two = (value: number): string => String(value).padStart(2, "0");

/** 2026年11月22日 · 22 Nov 2026 */
export function formatDate(at: string | Date, language: Language): string {
  const c = courtClock(at);
  return language === "zh-CN" ? `${c.year}年${c.month}月${c.day}日` : `${c.day} ${MONTH_EN[c.month - 1]} ${c.year}`;
}

/** 14:05 */
export function formatTime(at: string | Date): string {
  const c = courtClock(at);
  return `${two(c.hour)}:${two(c.minute)}`;
}

/** 14:05:09 */
export function formatTimeExact(at: string | Date): string {
  return `${formatTime(at)}:${two(courtClock(at).second)}`;
}

/** 2026年11月22日（星期日）14:05 · Sun 22 Nov 2026, 14:05 */
export function formatDateTime(at: string | Date, language: Language): string {
  const c = courtClock(at);
  return language === "zh-CN"
    ? `${formatDate(at, language)}（星期${WEEKDAY_ZH[c.weekday]}）${formatTime(at)}`
    : `${WEEKDAY_EN[c.weekday]} ${formatDate(at, language)}, ${formatTime(at)}`;
}

/** The court's calendar day, for comparing and for `?day=`: 2026-11-22. */
export function courtDay(at: string | Date): string {
  const c = courtClock(at);
  return `${c.year}-${two(c.month)}-${two(c.day)}`;
}

/** -1 yesterday, 0 today, 1 tomorrow, in court days. */
export function daysFromNow(at: string | Date, now: Date): number {
  return Math.round((Date.parse(courtDay(at)) - Date.parse(courtDay(now))) / 86_400_000);
}

/** 今天 14:05 · 明天 09:00 · 2026年11月25日（星期三）09:00: the nearest way to say when. */
export function formatWhen(at: string | Date, now: Date, language: Language): string {
  const days = daysFromNow(at, now);
  const near = language === "zh-CN" ? { "-1": "昨天", 0: "今天", 1: "明天" } : { "-1": "Yesterday", 0: "Today", 1: "Tomorrow" };
  const word = near[days as -1 | 0 | 1];
  return word === undefined ? formatDateTime(at, language) : `${word} ${formatTime(at)}`;
}

/** 1小时05分 · 1 h 05 min; below a minute in seconds, from two days on in days and hours. */
export function formatDuration(seconds: number, language: Language): string {
  const whole = Math.max(0, Math.round(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const rest = whole % 60;
  if (hours >= 48) {
    const days = Math.floor(hours / 24);
    const over = hours % 24;
    if (language === "zh-CN") return over > 0 ? `${days}天${over}小时` : `${days}天`;
    return over > 0 ? `${days} days ${over} h` : `${days} days`;
  }
  if (language === "zh-CN") {
    if (hours > 0) return minutes > 0 ? `${hours}小时${two(minutes)}分` : `${hours}小时`;
    return minutes > 0 ? (rest > 0 ? `${minutes}分${two(rest)}秒` : `${minutes}分钟`) : `${rest}秒`;
  }
  if (hours > 0) return minutes > 0 ? `${hours} h ${two(minutes)} min` : `${hours} h`;
  return minutes > 0 ? (rest > 0 ? `${minutes} min ${two(rest)} s` : `${minutes} min`) : `${rest} s`;
}

/** A running clock: 0:07 · 12:34 · 1:02:03. */
export function formatClock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const tail = two(whole % 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${tail}` : `${minutes}:${tail}`;
}

/** 1.4 MB; sizes are decimal, as file managers of phones show them. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const units = ["kB", "MB", "GB", "TB"] as const;
  let value = bytes;
  let unit = -1;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value >= 100 ? value.toFixed(0) : value.toFixed(1)} ${units[unit]}`;
}

/** Case numbers wear full-width brackets, 法〔2015〕137号: （2026）京0101民初12号. */
export function formatCaseNumber(number: string): string {
  const match = /^\s*[（(〔[]\s*(\d{4})\s*[)）〕\]]\s*(.+?)\s*$/u.exec(number);
  return match ? `（${match[1]}）${(match[2] ?? "").replace(/\s+/gu, "")}` : number.trim();
}

/** The first and last characters of a hash, enough to compare by eye. */
export function shortHash(hash: string): string {
  return hash.length > 16 ? `${hash.slice(0, 8)}…${hash.slice(-6)}` : hash;
}

/** A `datetime-local` value is court time; on the wire it is UTC. */
export function courtTimeToUtc(local: string): string {
  return new Date(`${local.length === 16 ? `${local}:00` : local}${COURT_OFFSET}`).toISOString();
}

/** The `datetime-local` value of an instant, in court time. */
export function utcToCourtTime(at: string | Date): string {
  return `${courtDay(at)}T${formatTime(at)}`;
}
