// What hostile input ends in, and nothing else.

/** Bytes that are not what they claim to be. */
export class Malformed extends Error {
  readonly reason = "malformed";
}

/** Well-formed, and refused. `reason`: a code of the closed list in reasons.ts. */
export class VerificationFailed extends Error {
  constructor(readonly reason: string, detail = "") {
    super(detail);
  }
}

/**
 * A bundle that is not taken: the verifier keeps the one it holds.
 *
 * `reason`: `malformed`, `wrong_type`, `key_not_allowed` (no pin fits), `bad_signature`, `not_yet_valid`,
 * `seq_not_higher`, `prev_differs`.
 */
export class BundleRefused extends Error {
  constructor(readonly reason: string, detail = "") {
    super(detail);
  }
}
