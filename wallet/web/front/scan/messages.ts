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
  issuers: number;
  keys: number;
  lists: number;
  /** When the oldest of all that is held was made, lists and bundle, and when the first of it is over. */
  oldestIat: number;
  firstExp: number;
  types: number;
}

/** watch: only see whether the last code is still in view; another one is not judged, and not remembered. */
export type Ask =
  | { kind: "warm" }
  | { kind: "hold"; token: string; pins: string[]; carried: readonly string[] }
  | { kind: "offer"; token: string; pins: string[]; now: number }
  | { kind: "frame"; pixels: ArrayBuffer; width: number; height: number; demand: Demand; careful: boolean; watch?: boolean }
  | { kind: "text"; text: string; demand: Demand }
  | { kind: "forget" };

export type Reply =
  | { kind: "warmed" }
  /** The reader did not start, or threw at what it was asked. */
  | { kind: "engineFailed" }
  | { kind: "held"; trust: Trust }
  /** carried: what is to be kept beside the bundle. */
  | { kind: "taken"; trust: Trust; isNews: boolean; carried: readonly string[] }
  | { kind: "refused"; reason: string }
  | { kind: "nothing" }
  /** A code was seen and could not be read. */
  | { kind: "partial" }
  /** The code of before is still in view. */
  | { kind: "same" }
  /** What was asked is over. Of the page itself. */
  | { kind: "overtaken" }
  /** No bundle is held: nothing can be said. */
  | { kind: "noTrust"; text: string; known?: boolean }
  | { kind: "memoryFailed"; text: string }
  | { kind: "answer"; answer: Answer; text: string; known?: boolean; seen?: Seen; nonce?: Uint8Array; milliseconds: number };
