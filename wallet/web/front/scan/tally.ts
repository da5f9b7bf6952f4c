/** How many verdicts of which kind there were in this shift: no name, no code. */

import type { Look } from "./outcome";
import { tally, type Tally } from "./state";
import { revise, write } from "./store";

type Count = "valid" | "invalid" | "unknown";
const COUNTS: Record<Look, Count> = { good: "valid", bad: "invalid", wait: "invalid", ask: "unknown" };

/** Count a verdict; `before`: what it was counted as until the server said otherwise. */
export function recount(before: Look | undefined, after: Look): void {
  const counted = (held: Tally): Tally => {
    const counts = { ...held, since: held.since || Date.now() / 1000 };
    if (before) counts[COUNTS[before]] -= 1;
    counts[COUNTS[after]] += 1;
    return counts;
  };
  const here = counted(tally.value);
  tally.value = here;
  // Another page of this device counts the same shift. A count that is not kept ends with the page, and holds up nothing.
  revise<Tally>("tally", (held) => (tally.value = held ? counted(held) : here)).catch(() => undefined);
}

export function newShift(): void {
  tally.value = { since: Date.now() / 1000, valid: 0, invalid: 0, unknown: 0 };
  write("tally", tally.value).catch(() => undefined);
}
