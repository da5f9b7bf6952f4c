/** The gate's challenge `VG1:`: nonces that are random, used once, and forgotten after 120 s.
 *
 * Source: docs/wire.md, section 2.
 */

import { encodeGateChallenge } from "../verifier/codes";

export const NONCE_SECONDS = 120;
/** A new one is shown while the one before still counts: a visitor may be between the two steps. */
export const SHOWN_SECONDS = 60;

export interface Nonce {
  bytes: Uint8Array;
  madeAt: number;
}

/** The nonces that this gate has shown, newest last. In memory alone. */
export class Challenges {
  private nonces: Nonce[] = [];

  /** Return the text to show now. */
  text(gate: string, now: number): string {
    const newest = this.live(now)[0];
    if (newest && now - newest.madeAt < SHOWN_SECONDS && now >= newest.madeAt) return encodeGateChallenge(gate, newest.bytes);
    const made = { bytes: crypto.getRandomValues(new Uint8Array(8)), madeAt: now };
    this.nonces.push(made);
    return encodeGateChallenge(gate, made.bytes);
  }

  /** Return the nonces that a code may carry now, newest first. */
  live(now: number): Nonce[] {
    this.nonces = this.nonces.filter((each) => Math.abs(now - each.madeAt) <= NONCE_SECONDS);
    return [...this.nonces].reverse();
  }

  /** A nonce that was answered is never taken again, and neither are those before it. */
  use(nonce: Nonce): void {
    this.nonces = this.nonces.filter((each) => each.madeAt > nonce.madeAt);
  }
}
