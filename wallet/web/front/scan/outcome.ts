/** What a gate shows for an answer: one outcome of the table, by the gravest thing that was found. Pure.
 *
 * Which reason outweighs which is as in wallet.verifier.outcomes, whose outcomes are fewer: some have a word of their own here.
 * Source: docs/scanning.md (the table); docs/wire.md, section 3 (the answer).
 */

import type { Answer, Names } from "../verifier";

export interface Profile {
  code: string;
  title: Names;
  /** Code of the purpose for which a desk at this gate checks, where it is registered for it. */
  purpose?: string;
  /** What is taken here, in words. */
  note?: Names;
  /** Codes of the utilities that are taken here; absent: any. */
  utilities?: string[];
  min_age?: number;
  /** The gate shows a challenge first. */
  high?: boolean;
  /** No printed codes. */
  live_only?: boolean;
  /** No codes that the server signed for the visitor. */
  device_only?: boolean;
  /** `answer`: only whether the age is reached; nothing else that was signed is shown. */
  view?: "full" | "answer";
  /** Names of claims without which nobody is taken here. */
  needs?: string[];
  /** Names of claims that are read at once here, beside who somebody is; the others are folded away. */
  shows?: string[];
}

export type Look = "good" | "bad" | "ask" | "wait";
export type Toast = "foreign" | "damaged" | "challenge" | "keyboard";

export interface Outcome {
  /** Key of the texts below `outcome.`. */
  code: string;
  look: Look;
  /** Key of the text that tells what to do. */
  next: string;
  /** A rule of this gate that the document does not meet: key of a text below `rule.`. */
  rule?: string;
  /** For `next`, and for the word of `live_replayed`: a moment in seconds. */
  moment?: number | undefined;
  place?: string | undefined;
  /** Whether the age of the profile is reached; absent where the profile has none or the day is unknown. */
  ofAge?: boolean | undefined;
}

export interface Circumstances {
  nowSeconds: number;
  /** Why the clock of this device cannot be relied on, if it cannot. */
  clockWrong: boolean;
  /** When and where this code was seen before, if that is known. gate: "" where it is not. */
  seen?: { at: number; gate: string };
}

/** What ends the matter, whatever else was found: in this order. */
const FINAL = ["wrong_type", "bad_signature", "key_not_allowed", "device_mismatch", "revoked", "superseded"] as const;
const SUSPENDED = ["account_locked", "suspended"] as const;
const LIVE = ["live_replayed", "live_too_old", "live_from_future", "wrong_gate"] as const;

/** Return the toast for what is no verdict on anybody's document, undefined for a verdict. */
export function toastOf(answer: Answer, text: string): Toast | undefined {
  if (text.trim().startsWith("VG1:")) return "challenge";
  const first = answer.reasons[0];
  if (first === "not_a_code") return "foreign";
  return first === "malformed" ? "damaged" : undefined;
}

export function outcomeOf(answer: Answer, profile: Profile, around: Circumstances): Outcome {
  const has = (code: string): boolean => answer.reasons.includes(code);
  const bad = (code: string, moment?: number): Outcome => ({ code, look: "bad", next: `outcome.${code}.next`, moment });
  const ask = (code: string, next = `outcome.${code}.next`): Outcome => ({ code, look: "ask", next });
  const final = FINAL.find(has);
  // Whole, read, and another thing than its prefix says: nothing that holding still would mend.
  if (final === "wrong_type") return bad("bad_signature");
  if (final) {
    // The cause that only the service knows says more than the entry of the list.
    return bad(final === "revoked" && has("superseded") ? "superseded" : final);
  }
  const suspended = SUSPENDED.find(has);
  if (suspended) return bad(suspended);
  // What is graver than that stands above; what follows are questions of time, or lets somebody in.
  if (around.clockWrong) return ask("cannot_tell", "outcome.cannot_tell.clock");
  if (has("expired")) {
    const code = answer.holder_binding === "none" ? "expired" : "card_expired";
    return bad(code, seconds(answer.document?.expires_at));
  }
  if (has("not_yet_valid")) {
    const moment = seconds(answer.document?.issued_at);
    return { code: "not_yet_valid", look: "wait", next: "outcome.not_yet_valid.next", moment };
  }
  const live = LIVE.find(has);
  // Only this device's memory tells where; the service tells when.
  if (live === "live_replayed" && !around.seen) return ask("live_replayed_before");
  if (live === "live_replayed" && !around.seen?.gate) {
    return { ...ask("live_replayed_at"), moment: around.seen?.at };
  }
  if (live) return { ...ask(live), moment: around.seen?.at, place: around.seen?.gate };
  if (has("unknown_issuer")) return ask("unknown_issuer");
  if (has("trust_stale") || has("status_stale")) return ask("cannot_tell", "outcome.cannot_tell.stale");
  if (answer.verdict !== "valid") {
    // Also a reason that a later version of the service sends: what is not known is never let through.
    return ask("cannot_tell", "outcome.cannot_tell.status");
  }
  const ofAge = isOfAge(answer, profile, around.nowSeconds);
  const rule = ruleAgainst(answer, profile, ofAge);
  if (rule) return { ...ask("not_accepted", `rule.${rule}`), rule, ofAge };
  const next = answer.holder_binding === "none" ? "paper" : comparable(answer, profile);
  return { code: "valid", look: "good", next: `outcome.valid.${next}`, ofAge };
}

/** Return what the screen shows of a person, to be compared with whoever stands there: a key below `outcome.valid.`. */
function comparable(answer: Answer, profile: Profile): string {
  if (profile.view === "answer") return "nothing";
  const [name, born] = ["full_name", "birth_date"].map((each) => typeof claim(answer, each) === "string");
  return name && born ? "name_and_birth" : name ? "name" : born ? "birth" : "nothing";
}

/** Which rule of this gate an authentic document does not meet. */
function ruleAgainst(answer: Answer, profile: Profile, ofAge: boolean | undefined): string | undefined {
  const { document } = answer;
  if (!document) return "other";
  if (document.recipient !== undefined && answer.reasons.includes("policy_refused")) return "recipient";
  if (profile.utilities && !profile.utilities.includes(document.utility.code)) return "utility";
  if (answer.reasons.includes("policy_refused") || !answer.accepted) return "other";
  // A printed code answers no challenge.
  if ((profile.live_only || profile.high) && answer.holder_binding === "none") return "live";
  if (profile.device_only && answer.holder_binding !== "device") return "device";
  if (profile.needs?.some((name) => (claim(answer, name) ?? "") === "")) return "needs";
  if (profile.min_age === undefined) return undefined;
  if (ofAge === undefined) return "age_unknown";
  return ofAge ? undefined : "age";
}

/** What was signed decides: that somebody is over (or not over) an age, or the day of birth. Undefined: neither tells. */
function isOfAge(answer: Answer, { min_age: age }: Profile, nowSeconds: number): boolean | undefined {
  if (age === undefined) return undefined;
  for (const { name, value } of answer.document?.claims ?? []) {
    const over = /^(?:age_)?over_(\d{1,3})$/.exec(name ?? "")?.[1];
    if (over === undefined) continue;
    if (value === true && Number(over) >= age) return true;
    if (value === false && Number(over) <= age) return false;
  }
  const born = claim(answer, "birth_date");
  return typeof born === "string" ? hasAge(born, age, nowSeconds) : undefined;
}

/** Return whether somebody born on `day` ("YYYY-MM-DD" or "YYYY") has this age today in Vietnam.
 *
 * Of a year alone the last day counts: nobody is let in too young. Born on 29 February: of age on 1 March.
 */
export function hasAge(day: string, age: number, nowSeconds: number): boolean | undefined {
  const found = /^(\d{4})(?:-(\d{2})-(\d{2}))?$/.exec(day);
  if (!found) return undefined;
  const birthday = (Number(found[1]) + age) * 10_000 + Number(found[2] ?? 12) * 100 + Number(found[3] ?? 31);
  return dayNumber(nowSeconds) >= birthday;
}

/** Return the calendar day in Vietnam (UTC+7, no summer time) as the number YYYYMMDD. */
function dayNumber(nowSeconds: number): number {
  const there = new Date((nowSeconds + 7 * 3600) * 1000);
  return there.getUTCFullYear() * 10_000 + (there.getUTCMonth() + 1) * 100 + there.getUTCDate();
}

export function claim(answer: Answer, name: string): unknown {
  return answer.document?.claims.find((each) => each.name === name)?.value;
}

const GRAVITY: Record<Look, number> = { good: 0, wait: 2, ask: 1, bad: 3 };

/** Return whether the answer of the network is graver than what stands on the screen: only then it replaces it. */
export function isGraver(later: Outcome, shown: Outcome): boolean {
  return GRAVITY[later.look] > GRAVITY[shown.look];
}

function seconds(moment: string | undefined): number | undefined {
  const found = moment === undefined ? NaN : Date.parse(moment);
  return Number.isNaN(found) ? undefined : found / 1000;
}
