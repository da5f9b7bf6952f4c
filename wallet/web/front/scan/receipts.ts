/** What was checked while the server did not answer is told to it later, so that the holder sees it.
 *
 * A receipt names the document by the id that the code had, when and for which purpose it was checked, and the verdict that
 * was shown: no claim, and nobody's name. It is written before the verdict is shown, and goes when the server has answered.
 * Receipts are there only as long as the key of the desk that made them is kept, or in use by this page or one beside it. They leave
 * in batches that are sealed first, so that one that is sent twice is one and the same; what the service refuses for good
 * goes, and holds up nothing that comes after it: how many, and why, stays until somebody has read it. Source: docs/wire.md, section 3; wallet/verifier/uploading.py.
 */

import { signal } from "@preact/signals";
import { rfc3339, type Answer } from "../verifier";
import type { Desk } from "./state";
import { forget, forgetThese, hex, keysBelow, read, readThese, revise, write } from "./store";

/** So many of them stay well below what the service takes in one body. */
const BATCH_CHECKS = 200;
/** How old a receipt may be, as the service takes it. */
const OLDEST_MILLISECONDS = 30 * 24 * 3600 * 1000;
/** What the service finds to be of the future is told again later. */
const LATER_MILLISECONDS = 3600 * 1000;

interface Receipt {
  id: string;
  document_id: string;
  /** By the clock of this device; what is told is corrected (`clockOff`). */
  checked_at: string;
  purpose: string;
  verdict: string;
  reasons: string[];
  /** The server was asked too, and its answer never came. */
  asked?: true;
}

/** What was shown of a check. */
export type Told = Pick<Answer, "verdict" | "reasons">;

/** One check: it is counted, and its receipt is told. */
interface Check {
  /** Absent where its count was refused. */
  verdict?: Answer["verdict"];
  /** Absent where the code told of no document, or the receipt was refused. */
  receipt?: Receipt;
  /** How far the clock was off when it was checked, seconds; absent where nobody had told. */
  clockOff?: number;
  /** Not told before this moment, milliseconds: the server is still being asked, or has to wait for a clock. */
  notBefore?: number;
}

/** Why the service will never take a receipt: key below `set.refused_`. */
export type Why = "purpose" | "time" | "other";
type Refusals = Partial<Record<Why, number>>;
type Counts = Partial<Record<Answer["verdict"], number>>;

export interface Batch {
  id: string;
  /** By the key of each. */
  checks: [string, Check][];
}

/** Of one desk. */
interface Held {
  /** Sealed, and not acknowledged yet. */
  batch?: Batch;
  /** How many were refused for good since somebody read it. */
  refused?: Refusals;
}

/** What of a batch was refused for good: the places of receipts with why, and whether its counts were. */
export interface Faults {
  receipts: Map<number, Why>;
  counts: boolean;
}

/** How many receipts wait to be told. */
export const waiting = signal(0);
/** How many receipts were refused for good, and why. */
export const refused = signal<Refusals>({});

/** A key ends in its secret; what stands before it names the desk, also after the secret was changed. */
export const deskOf = ({ key }: Pick<Desk, "key">): string => key.replace(/_[^_]*$/, "");
const belowOf = (desk: Desk): string => `receipt.${deskOf(desk)}.`;
const placeOf = (desk: Desk): string => `receipts.${deskOf(desk)}`;

/** Keep a check before it is shown; return the key that it is kept by. clockOff: seconds. asking: so many milliseconds the
 * server is being asked about it, at most, and 0 where it is not. Raises what the browser's storage does. */
export async function note(answer: Answer, told: Told, by: Desk, clockOff: number | undefined, asking: number): Promise<string> {
  const { verdict, reasons } = told;
  const id = `${answer.document ? "rcp" : "chk"}_${hex(crypto.getRandomValues(new Uint8Array(16)))}`;
  const check: Check = { verdict };
  if (answer.document) {
    const { checked_at, document } = answer;
    check.receipt = { id, document_id: document.id, checked_at, purpose: by.purpose, verdict, reasons, ...(asking ? { asked: true } : {}) };
  }
  if (clockOff !== undefined) check.clockOff = clockOff;
  if (asking) check.notBefore = Date.now() + asking;
  const name = belowOf(by) + id;
  await write(name, check);
  void count(by);
  return name;
}

/** The server has answered about a check: there is nothing to tell. */
export async function answered(name: string, by: Desk): Promise<void> {
  await forget(name);
  await count(by);
}

/** The server has not answered about a check: it may be told. wasAsked: it may have heard of it. said: its verdict, if any. */
export async function unanswered(name: string, by: Desk, wasAsked: boolean, said?: Told): Promise<void> {
  await revise<Check>(name, (check) => {
    if (!check) return undefined;
    const { notBefore: _, ...rest } = check;
    if (!wasAsked) delete rest.receipt?.asked;
    if (!said) return rest;
    const { verdict, reasons } = said;
    return { ...rest, verdict, ...(rest.receipt ? { receipt: { ...rest.receipt, verdict, reasons } } : {}) };
  });
  await count(by);
}

/** Forget what is of no desk in use. desk: of this page. kept: names of those whose keys are kept. ifFree: does something where no
 * other page uses the desk of that name. */
export async function keepOnlyOf(desk: Desk | undefined, kept: string[], ifFree: (desk: string, what: () => Promise<void>) => Promise<void>): Promise<void> {
  const names = await keysBelow("receipt");
  const of = (name: string): string => name.split(".")[1] ?? "";
  for (const other of new Set(names.map(of))) {
    if (!kept.includes(other) && (!desk || other !== deskOf(desk))) await ifFree(other, () => forgetThese(names.filter((each) => of(each) === other)));
  }
  await count(desk);
}

/** Return this desk's batch that is sealed, else seal the next; undefined when nothing waits. clockOff: seconds, as known now. */
export async function nextBatch(by: Desk, clockOff: number | undefined): Promise<Batch | undefined> {
  const sealed = (await read<Held>(placeOf(by)))?.batch;
  if (sealed) return sealed;
  const names = await keysBelow(belowOf(by));
  const found = await readThese<Check>(names);
  const checks = names.flatMap((name, place): [string, Check][] => {
    const check = found[place];
    return check && !isHeldBack(check) ? [[name, clockOff === undefined ? check : { clockOff, ...check }]] : [];
  });
  if (!checks.length) return undefined;
  const batch: Batch = { id: `upl_${hex(crypto.getRandomValues(new Uint8Array(16)))}`, checks: checks.slice(0, BATCH_CHECKS) };
  await revise<Held>(placeOf(by), (held) => ({ ...held, batch }));
  return batch;
}

/** Return what is told of a batch: the same however often it is sent. */
export function bodyOf({ checks }: Batch): { receipts: Receipt[]; counts: Counts } {
  const counts: Counts = {};
  for (const [, { verdict }] of checks) if (verdict) counts[verdict] = (counts[verdict] ?? 0) + 1;
  const receipts = checks.flatMap(([, { receipt, clockOff = 0 }]) =>
    receipt ? { ...receipt, checked_at: rfc3339(Date.parse(receipt.checked_at) / 1000 - clockOff) } : [],
  );
  return { receipts, counts };
}

/** A batch has been answered: it is forgotten, but for what neither arrived nor was refused. */
export async function settle(by: Desk, batch: Batch, faults?: Faults): Promise<void> {
  await revise<Held>(placeOf(by), (held, beside) => {
    if (!held || held.batch?.id !== batch.id) return held;
    const { batch: _, ...rest } = held;
    let place = 0;
    for (const [name, check] of batch.checks) {
      beside.delete(name);
      if (!faults) continue;
      const { verdict, ...told } = check;
      const { receipt } = told;
      const why = receipt && faults.receipts.get(place++);
      const left: Check = faults.counts || !verdict ? {} : { verdict };
      if (receipt && !why) Object.assign(left, told);
      else if (receipt && why === "time" && mayComeTrue(receipt)) Object.assign(left, { receipt, notBefore: Date.now() + LATER_MILLISECONDS });
      else if (why) rest.refused = { ...rest.refused, [why]: (rest.refused?.[why] ?? 0) + 1 };
      if (left.receipt) beside.put(left, name);
      else if (left.verdict) beside.put(left, name.replace(".rcp_", ".chk_"));
    }
    return rest;
  });
  await count(by);
}

/** Somebody has read what was refused. */
export async function forgetRefused(by: Desk): Promise<void> {
  await revise<Held>(placeOf(by), (held) => ({ ...held, refused: {} }));
  await count(by);
}

/** A clock that was set back holds nothing back for longer than was meant. */
function isHeldBack({ notBefore = 0 }: Check): boolean {
  const rest = notBefore - Date.now();
  return rest > 0 && rest <= LATER_MILLISECONDS;
}

/** Whether the service, which found this moment out of range, may take it later: it is not too old, so it was of the future. */
const mayComeTrue = ({ checked_at }: Receipt): boolean => Math.abs(Date.now() - Date.parse(checked_at)) < OLDEST_MILLISECONDS;

async function count(desk: Desk | undefined): Promise<void> {
  try {
    waiting.value = desk ? (await keysBelow(`${belowOf(desk)}rcp_`)).length : 0;
    refused.value = (desk && (await read<Held>(placeOf(desk)))?.refused) ?? {};
  } catch {
    // What cannot be read is said elsewhere.
  }
}
