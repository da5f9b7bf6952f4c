// A judgement as JSON: the same as the service and the command give. Source: docs/wire.md, section 3, end.
import { hex } from "./bytes";
import type { Value } from "./cbor";
import type { Verdict } from "./reasons";
import type { Names } from "./trust";

/** What stands on everything that is issued here. */
export const SAMPLE_MARK = "MẪU - KHÔNG CÓ GIÁ TRỊ PHÁP LÝ";

export const STEP_NAMES = ["code", "shape", "key", "signature", "dates", "status", "holder", "policy"] as const;

const FIRST_DAY = -719_162; // 0001-01-01
const LAST_DAY = 2_932_896; // 9999-12-31

/** Names come in Vietnamese and English; absent values are left out. */
export interface Answer {
  verdict: Verdict;
  /** In the order of the steps; `["ok"]` when there is none. */
  reasons: string[];
  accepted: boolean;
  /** The steps that were carried out. */
  checked: (typeof STEP_NAMES)[number][];
  holder_binding: "device" | "server" | "none";
  checked_at: string;
  bundle_age_seconds: number;
  sample_mark: string;
  status_age_seconds?: number;
  /** Nothing of it is told before step 4 has passed. */
  document?: DocumentAnswer;
}

export interface DocumentAnswer {
  id: string;
  issuer: { code: string; name: Names };
  utility: { code: string; version: number; title?: Names };
  issued_at: string;
  expires_at: string;
  claims: ClaimAnswer[];
  recipient?: string;
}

export interface ClaimAnswer {
  n: number;
  name?: string;
  label?: Names;
  /** Left out where the bundle tells none, or the value is not of it. */
  kind?: string;
  value: Readable;
}

export type Readable = number | string | boolean | Readable[] | { [name: string]: Readable };

/** Returns a moment in UTC to the second. Source: RFC 3339, section 5.6. */
export function rfc3339(seconds: number): string {
  return `${new Date(Math.floor(seconds) * 1000).toISOString().slice(0, 19)}Z`;
}

/**
 * Returns a compact claim as JSON can hold it, and its kind; a day becomes "YYYY-MM-DD" or "YYYY".
 *
 * A value that is not of the kind the table says is shown as it is, without the kind: it makes no code invalid.
 */
export function readableValue(kind: string | undefined, value: Value): { kind?: string; value: Readable } {
  const whole = typeof value === "number";
  if (kind === "day" && whole && value >= FIRST_DAY && value <= LAST_DAY) {
    return { kind, value: new Date(value * 86_400_000).toISOString().slice(0, 10) };
  }
  const fits =
    (kind === "text" && typeof value === "string") ||
    (kind === "day" && typeof value === "string" && /^[0-9]{4}$/.test(value)) ||
    ((kind === "int" || kind === "time") && whole) ||
    (kind === "bool" && typeof value === "boolean") ||
    (kind === "list" && Array.isArray(value) && value.every((item) => typeof item === "string"));
  return fits ? { kind: kind!, value: jsonSafe(value) } : { value: jsonSafe(value) };
}

/** Returns any value that the CBOR reader gives as JSON can hold it: bytes in hexadecimal, keys as text. */
function jsonSafe(value: Value): Readable {
  if (value instanceof Uint8Array) return hex(value);
  if (Array.isArray(value)) return value.map(jsonSafe);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, member]) => [String(key), jsonSafe(member)]));
  return value;
}
