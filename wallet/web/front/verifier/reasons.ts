// The closed list of reason codes, in the order of the steps, and the verdict each stands for. Source: docs/wire.md, 3.
export type Verdict = "valid" | "cannot_tell" | "invalid";

const VERDICTS: readonly (readonly [string, Verdict])[] = [
  ["not_a_code", "invalid"],
  ["malformed", "invalid"],
  ["wrong_type", "invalid"],
  ["trust_stale", "cannot_tell"],
  ["unknown_issuer", "cannot_tell"],
  ["key_not_allowed", "invalid"],
  ["bad_signature", "invalid"],
  ["not_yet_valid", "invalid"],
  ["expired", "invalid"],
  ["status_unknown", "cannot_tell"],
  ["status_stale", "cannot_tell"],
  ["revoked", "invalid"],
  ["superseded", "invalid"], // this and account_locked: only the service can name them
  ["suspended", "invalid"],
  ["account_locked", "invalid"],
  ["device_mismatch", "invalid"],
  ["live_too_old", "invalid"],
  ["live_from_future", "invalid"],
  ["wrong_gate", "invalid"],
  ["live_replayed", "invalid"],
  ["policy_refused", "valid"],
];

/** Every code but `ok`, in the order in which they are listed. */
export const REASONS: readonly string[] = VERDICTS.map(([code]) => code);

/** Returns the codes in the order of the steps, each once; `["ok"]` when there is none. */
export function inOrder(codes: readonly string[]): string[] {
  const found = REASONS.filter((code) => codes.includes(code));
  return found.length ? found : ["ok"];
}

/** Returns the gravest verdict among these reasons'; valid when there is none. */
export function gravest(codes: readonly string[]): Verdict {
  const verdicts = VERDICTS.filter(([code]) => codes.includes(code)).map(([, verdict]) => verdict);
  return verdicts.includes("invalid") ? "invalid" : verdicts.includes("cannot_tell") ? "cannot_tell" : "valid";
}
