/** Keys of desks: which are kept on this device, and which one this page works with. Another page may work for another desk. */

import { signal } from "@preact/signals";
import { keep } from "./keeping";
import { deskOf, keepOnlyOf } from "./receipts";
import { choose, desk, deskPaused, ofPage, rememberDesk, type Desk } from "./state";
import { keysBelow, readThese, revise, write } from "./store";

const KEPT = "desk.";
const placeOf = (held: Desk): string => KEPT + deskOf(held);
const NONE = { of: "", purpose: "", at: "" };
const ownOf = (held: Desk): typeof NONE => ({ of: deskOf(held), purpose: held.purpose, at: held.at });

/** Desks whose keys are kept on this device, as last read. */
export const keptDesks = signal<Desk[]>([]);

/** Read which keys are kept; return whether that could be read. */
export async function readKept(): Promise<boolean> {
  const reading = keysBelow(KEPT).then((names) => readThese<Desk>(names));
  return keep("desk", reading.then((found) => (keptDesks.value = found.filter((each) => each !== undefined))));
}

/** Take the key that this page worked with; whether it still counts is asked once the page stands. A new page takes the one that
 * is kept; of several none, for nobody has said which desk it is. */
export async function readDesk(): Promise<void> {
  if (!(await readKept())) return;
  const kept = keptDesks.value;
  const { desk: mine } = ofPage();
  const found = mine === undefined ? (kept.length === 1 ? kept[0] : undefined) : kept.find((each) => deskOf(each) === mine.of);
  // One whose key was not kept, or was given back, takes none that another page has kept.
  const own = mine ?? (found ? ownOf(found) : NONE);
  if (found) {
    desk.value = { ...found, purpose: own.purpose, at: own.at };
    choose({ gate: found.gate });
  }
  rememberDesk(own);
  await keepDesksInUse();
}

export async function keepDesk(held: Desk): Promise<void> {
  desk.value = held;
  rememberDesk(ownOf(held));
  if (held.keep && !(await keep("desk", write(placeOf(held), held))) && desk.value === held) desk.value = { ...held, keep: false };
}

/** This page works with its key no more. The key goes from the device, unless another page works for that desk. isOver: it counts
 * nowhere any more. */
export async function forgetDesk(isOver: boolean): Promise<void> {
  const held = desk.value;
  desk.value = undefined;
  deskPaused.value = false;
  if (!held) return;
  rememberDesk(NONE);
  await showUse();
  // Somebody may have kept a newer key of the same desk.
  const forget = (): Promise<void> => revise<Desk>(placeOf(held), (kept) => (kept?.key === held.key ? undefined : kept));
  await keep("desk", isOver ? forget() : ifFree(deskOf(held), forget));
  await keepDesksInUse();
}

const IN_USE = "viso-scan-desk.";
/** What other pages of this browser see of the desk that this one uses, until it is closed. */
let inUse: { desk: string; end: () => void; ended: Promise<unknown> } | undefined;

async function showUse(): Promise<void> {
  const { locks } = navigator;
  const named = desk.value && deskOf(desk.value);
  if (!locks || inUse?.desk === named) return;
  const before = inUse;
  inUse = undefined;
  before?.end();
  await before?.ended;
  if (named === undefined) return;
  let end = (): void => undefined;
  const lasts = new Promise<void>((over) => (end = over));
  inUse = { desk: named, end, ended: locks.request(IN_USE + named, { mode: "shared" }, () => lasts) };
}

/** Do something where no page uses the desk of this name. */
const ifFree = (named: string, what: () => Promise<void>): Promise<void> =>
  navigator.locks
    ? navigator.locks.request(IN_USE + named, { ifAvailable: true }, async (free) => free && what()).then(() => undefined)
    : what();

/** Say which desk this page uses, and forget the receipts of those that none uses and whose key is not kept. */
export async function keepDesksInUse(): Promise<void> {
  await showUse();
  const kept = keysBelow(KEPT).then((names) => names.map((each) => each.slice(KEPT.length)));
  await keep("receipts", kept.then((desks) => keepOnlyOf(desk.value, desks, ifFree)));
}
