/** What this device keeps: settings, the trust it was given, hashes of codes, counts and, for a desk, receipts (receipts.ts). */

import { createStore, del, delMany, get, getMany, keys, set, setMany, update, type UseStore } from "idb-keyval";

let opened: UseStore | undefined;
/** A browser that has no storage throws at once: here that is a promise that fails, like all else that storage does. */
const kept: UseStore = async (mode, change) => (opened ??= createStore("viso-scan", "kept"))(mode, change);

export interface Seen {
  at: number;
  gate: string;
  until: number;
}

interface Memory {
  /** Random for each installation: whoever reads the hashes cannot try codes against those of another device. */
  salt: string;
  seen: Record<string, Seen>;
}

export const read = <T>(key: string): Promise<T | undefined> => get<T>(key, kept);
export const write = (key: string, value: unknown): Promise<void> => set(key, value, kept);
/** Write at several places in one transaction. */
export const writeThese = (found: Record<string, unknown>): Promise<void> => setMany(Object.entries(found), kept);
export const forget = (key: string): Promise<void> => del(key, kept);
type Change<T> = (held: T | undefined, beside: Pick<IDBObjectStore, "put" | "delete">) => T | undefined;
/** Change what is kept at a place in one transaction, with what `change` does beside it: all of it, or nothing. What becomes
 * undefined is forgotten. */
export const revise = <T>(key: string, change: Change<T>): Promise<void> =>
  kept("readwrite", (all) => new Promise((resolve, reject) => {
    const { transaction } = all;
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
    const held = all.get(key) as IDBRequest<T | undefined>;
    held.onsuccess = () => {
      try {
        const changed = change(held.result, all);
        if (changed === undefined) all.delete(key);
        else all.put(changed, key);
      } catch (error) {
        reject(error);
        transaction.abort();
      }
    };
  }));
export const keysBelow = async (start: string): Promise<string[]> =>
  (await keys<string>(kept)).filter((each) => each.startsWith(start));
export const readThese = <T>(names: string[]): Promise<(T | undefined)[]> => getMany<T>(names, kept);
export const forgetThese = (names: string[]): Promise<void> => delMany(names, kept);

const LONGEST_SECONDS = 24 * 3600;

/** Where codes that were seen are remembered, as salted hashes until they could not pass anyway, 24 h at most. */
export class ReplayMemory {
  /** What the last code asked for had been seen as, if it had. */
  found: Seen | undefined;
  private readonly place: string;

  constructor(name: string) {
    this.place = `replay.${name}`;
  }

  /** Remember a code in one transaction; return whether it is new at this gate. */
  async remember(gate: string, digest: Uint8Array, until: number, now: number): Promise<boolean> {
    this.found = undefined;
    const salt = await this.salt();
    const hash = await hashed(`${salt}/${gate}/${hex(digest)}`);
    let isNew = false;
    await update<Memory>(
      this.place,
      (held) => {
        const seen = Object.fromEntries(Object.entries(held?.seen ?? {}).filter(([, each]) => each.until >= now));
        this.found = seen[hash];
        isNew = this.found === undefined;
        if (isNew) seen[hash] = { at: now, gate, until: Math.min(until, now + LONGEST_SECONDS) };
        return { salt, seen };
      },
      kept,
    );
    return isNew;
  }

  /** Forget what has had its time, also where nobody scans any more. */
  async sweep(now: number): Promise<void> {
    const held = await read<Memory>(this.place);
    if (!held) return;
    await update<Memory>(
      this.place,
      (memory) => {
        const seen = Object.entries(memory?.seen ?? {}).filter(([, each]) => each.until >= now);
        return { salt: memory?.salt ?? held.salt, seen: Object.fromEntries(seen) };
      },
      kept,
    );
  }

  private async salt(): Promise<string> {
    const fresh = hex(crypto.getRandomValues(new Uint8Array(16)));
    await update<Memory>(this.place, (held) => held ?? { salt: fresh, seen: {} }, kept);
    return (await read<Memory>(this.place))?.salt ?? fresh;
  }
}

async function hashed(text: string): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))));
}

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
