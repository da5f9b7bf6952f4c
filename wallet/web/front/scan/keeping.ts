/** What this device keeps for the next time is used now all the same: a browser that keeps nothing is told of, and scans on. */

import { signal } from "@preact/signals";
import { read } from "./store";

/** Storage that does not answer is none. */
const PATIENCE_MILLISECONDS = 3000;

/** What could not be read or written the last time, by its place. */
export const unkept = signal<ReadonlySet<string>>(new Set());

/** Wait until something is read, kept or forgotten; return whether it was. */
export async function keep(place: string, change: Promise<unknown>): Promise<boolean> {
  let isKept = true;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, fail) => (timer = setTimeout(() => fail(new Error(place)), PATIENCE_MILLISECONDS)));
  try {
    await Promise.race([change, late]);
  } catch {
    isKept = false;
  } finally {
    clearTimeout(timer);
  }
  if (unkept.value.has(place) === isKept) {
    const others = [...unkept.value].filter((each) => each !== place);
    unkept.value = new Set(isKept ? others : [...others, place]);
  }
  return isKept;
}

/** Return what was kept at a place, undefined where nothing was, or where it cannot be read. */
export async function recall<T>(place: string): Promise<T | undefined> {
  let found: T | undefined;
  await keep(place, read<T>(place).then((held) => (found = held)));
  return found;
}
