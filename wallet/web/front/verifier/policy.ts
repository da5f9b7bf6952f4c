// What this verifier demands beyond authenticity. Source: docs/wire.md, section 3, steps 7 and 8.
import { sameBytes } from "./bytes";

/** The demands of one verifier; an empty one makes none. */
export interface Policy {
  /** This reader's own gate, if it has one. */
  gateId?: string;
  /** A live code must name the gate: it showed a challenge. */
  gateDemanded?: boolean;
  /** The nonce of that challenge; it demands the gate's id too. */
  demandedNonce?: Uint8Array;
  /** The names by which this verifier may be a document's recipient. */
  recipients?: readonly string[];
  /** The codes of utilities that are wanted here; left out: any. */
  utilities?: readonly string[];
  /** The names of claims that are wanted here; left out: any. */
  claims?: readonly string[];
}

/** Returns whether a live code is not for this gate. A nonce that nobody demanded is ignored. */
export function isWrongGate(policy: Policy, gateId: string | null, nonce: Uint8Array | null): boolean {
  if (gateId !== null && gateId !== policy.gateId) return true;
  const { demandedNonce } = policy;
  const demanded = policy.gateDemanded || (demandedNonce !== undefined && policy.gateId !== undefined);
  if (demanded && gateId === null) return true;
  return demandedNonce !== undefined && !(nonce && sameBytes(nonce, demandedNonce));
}

/** Returns whether an authentic document is not wanted here. names: undefined for a claim that has none. */
export function refuses(
  policy: Policy,
  recipient: string | null,
  utility: string,
  names: readonly (string | undefined)[],
): boolean {
  const { recipients, utilities, claims } = policy;
  if (recipient !== null && !recipients?.some((name) => name.normalize("NFC") === recipient.normalize("NFC"))) return true;
  if (utilities && !utilities.includes(utility)) return true;
  return claims !== undefined && names.some((name) => name === undefined || !claims.includes(name));
}
