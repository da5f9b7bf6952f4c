/** What the page and its worker say to each other. */

import type { Answer } from "../verifier";
import type { Seen } from "./store";

/** What a gate demands, in a form that may be sent. */
export interface Demand {
  gate: string;
  utilities?: string[];
  /** Nonces that a code may carry, newest first; absent: no challenge was shown. */
  nonces?: Uint8Array[];
  /** Training has a memory of its own. */
  memory: string;
  now: number;
}

/** What is told of the bundle held: counts and times, seconds. */
export interface Trust {
  iat: number;
  nextUpdate: number;
  exp: number;
  issuers: number;
  keys: number;
  lists: number;
  types: number;
}

export type Ask =
  | { kind: "warm" }
  | { kind: "hold"; token: string; pins: string[] }
  | { kind: "offer"; token: string; pins: string[]; now: number }
  | { kind: "frame"; pixels: ArrayBuffer; width: number; height: number; demand: Demand; careful: boolean }
  | { kind: "text"; text: string; demand: Demand }
  | { kind: "forget" };

export type Reply =
  | { kind: "warmed" }
  | { kind: "engineFailed" }
  | { kind: "held"; trust: Trust }
  | { kind: "taken"; trust: Trust; isNews: boolean }
  | { kind: "refused"; reason: string }
  | { kind: "nothing" }
  /** A code was seen and could not be read. */
  | { kind: "partial" }
  /** The code of before is still in view. */
  | { kind: "same" }
  /** No bundle is held: nothing can be said. */
  | { kind: "noTrust"; text: string }
  | { kind: "memoryFailed"; text: string }
  | { kind: "answer"; answer: Answer; text: string; seen?: Seen; nonce?: Uint8Array; milliseconds: number };
