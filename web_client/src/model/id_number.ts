/**
 * Check digit of a resident identity number (公民身份号码), GB 11643-1999: weights 2^(17-i) mod 11 (ISO 7064 MOD 11-2).
 * A hint while typing; the server decides.
 */
const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2] as const;
const CHECK = "10X98765432";

export type IdNumberProblem = "length" | "characters" | "birth_date" | "check_digit";

/** What is wrong with the number, or null when it can be right. */
export function idNumberProblem(text: string): IdNumberProblem | null {
  const id = text.trim().toUpperCase();
  if (id.length !== 18) return "length";
  if (!/^\d{17}[\dX]$/u.test(id)) return "characters";
  const year = Number(id.slice(6, 10));
  const month = Number(id.slice(10, 12));
  const day = Number(id.slice(12, 14));
  const born = new Date(Date.UTC(year, month - 1, day));
  if (year < 1850 || born.getUTCMonth() !== month - 1 || born.getUTCDate() !== day) return "birth_date";
  const sum = WEIGHTS.reduce((total, weight, index) => total + weight * Number(id[index]), 0);
  return CHECK[sum % 11] === id[17] ? null : "check_digit";
}

const CREDIT_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY";

/** Unified social credit code of an organisation (统一社会信用代码), GB 32100-2015: weights 3^(i) mod 31. */
export function creditCodeProblem(text: string): IdNumberProblem | null {
  const code = text.trim().toUpperCase();
  if (code.length !== 18) return "length";
  let sum = 0;
  let weight = 1;
  for (const [index, character] of [...code].entries()) {
    const value = CREDIT_CHARACTERS.indexOf(character);
    if (value < 0) return "characters";
    if (index < 17) sum += value * weight;
    weight = (weight * 3) % 31;
  }
  return CREDIT_CHARACTERS[(31 - (sum % 31)) % 31] === code[17] ? null : "check_digit";
}
