/** With a desk's key and network the server is asked too. What it says can only make a verdict graver, never better. */

import { effect, untracked } from "@preact/signals";
import type { Answer, Names } from "../verifier";
import type { Portrait } from "./photo";
import { forgetDesk, keepDesk, keepDesksInUse } from "./desks";
import { keep } from "./keeping";
import { answered, bodyOf, deskOf, nextBatch, note, settle, unanswered, type Batch, type Faults, type Told, type Why } from "./receipts";
import { choices, choose, clockOff, desk, deskLost, deskPaused, online, profile, type Desk, type Purpose } from "./state";

const PATIENCE_MILLISECONDS = 8000;
/** A check is asked about, and asked again once the desk's registration was read anew. */
const ASKING_MILLISECONDS = 3 * PATIENCE_MILLISECONDS;
/** What a header can carry: whatever else somebody types is no key. */
const KEY = /^[\x21-\x7e]+$/;
const PORTRAIT = "portrait";

/** Why the server did not answer: key below `checked.`. */
export type Refusal = "key" | "suspended" | "purpose" | "quota" | "unreachable" | "failed";
/** What the service says of a key and of a purpose. A 401 or 403 of somebody on the way says none of it. */
const REFUSALS = new Map<string | undefined, Refusal>([
  ["invalid_desk_key", "key"],
  ["desk_key_suspended", "suspended"],
  ["purpose_not_registered", "purpose"],
]);

export class Refused extends Error {
  /** problem: what the service says (RFC 9457). isForGood: it will never take this request. */
  constructor(readonly refusal: Refusal, readonly problem?: Problem, readonly isForGood = false) {
    super(refusal);
  }
}

export const refusalOf = (error: unknown): Refusal => (error instanceof Refused ? error.refusal : "failed");

interface Problem {
  code: string;
  errors?: { pointer: string; code: string }[];
}

/** Of what the service says against a receipt, what an agent can do something about. */
const WHY = new Map<string, Why>([["purpose_not_registered", "purpose"], ["out_of_range", "time"]]);

/** Answers after which no other try will do, as for the command line's gate. */
const FOR_GOOD = [400, 409, 413, 415, 422];

export interface Share {
  /** Absent: nobody is asked, a consent given before has answered. */
  id?: string;
  state: string;
  /** Why it has ended, where the document does not count any more: a reason of docs/wire.md, section 3. */
  reason?: string;
  answer_until?: string;
  readable_until?: string;
  portrait?: Portrait;
}

export interface OnlineAnswer extends Answer {
  share?: Share;
  /** Of a code that is `live_replayed`: when one of the organisation's gates saw it. */
  first_seen?: { at: string };
}

/** What `GET /v1/verifier/desk` tells. */
interface OwnDesk {
  gate_id: string;
  organisation: { name: Names };
  purposes: Purpose[];
}

/** Ask whose key this is, and use it from now on. Raises Refused; then nothing has changed. */
export async function useKey(key: string, keep: boolean): Promise<void> {
  if (!KEY.test(key)) throw new Refused("key");
  await take({ key, keep, purpose: "", at: "" }, await asked<OwnDesk>(key, "/v1/verifier/desk"));
  await keepDesksInUse();
  deskLost.value = deskPaused.value = false;
}

/** Use a key that is kept on this device. */
export async function useKept(held: Desk): Promise<void> {
  await keepDesk(held);
  choose({ gate: held.gate });
  await keepDesksInUse();
  deskLost.value = deskPaused.value = false;
  await refreshDesk();
}

/** Ask again what this desk may: a purpose can end, and so can a key. */
export async function refreshDesk(): Promise<void> {
  const held = desk.value;
  if (!held) return;
  try {
    const own = await asked<OwnDesk>(held.key, "/v1/verifier/desk");
    if (desk.value?.key === held.key) await take(desk.value, own);
  } catch {
    // A key that ended is forgotten already; in anything else what is known stands.
  }
}

export async function choosePurpose(code: string): Promise<void> {
  if (desk.value) await keepDesk({ ...desk.value, purpose: code, at: choices.value.profile });
}

/** The gate is the key's: a challenge that named another one would be refused. */
async function take(held: Pick<Desk, "key" | "keep" | "purpose" | "at">, own: OwnDesk): Promise<void> {
  const { gate_id: gate, organisation, purposes } = own;
  const at = choices.value.profile;
  const stays = held.at === at && purposes.some((each) => each.code === held.purpose);
  const purpose = stays ? held.purpose : (ofGate(purposes) ?? "");
  await keepDesk({ ...held, purpose, at, gate, organisation: organisation.name, purposes });
  choose({ gate });
}

/** A gate was chosen: ask for its purpose from now on, if this desk has it. What somebody chose at another gate is over. */
export async function followGate(): Promise<void> {
  const held = desk.value;
  if (held) await choosePurpose(ofGate(held.purposes) ?? (held.at === choices.value.profile ? held.purpose : ""));
}

/** Let no desk ask for the purpose of another gate than this page is, however it became that gate. */
export function keepPurposeOfGate(): void {
  effect(() => {
    if (desk.value && profile.value && desk.value.at !== profile.value.code) void untracked(followGate);
  });
}

/** Return the purpose that goes without saying: the only one, or the one of the gate that was chosen. */
function ofGate(purposes: Purpose[]): string | undefined {
  if (purposes.length === 1) return purposes[0]!.code;
  return purposes.find((each) => each.code === profile.value?.purpose)?.code;
}

/** Return what the server says of a code. found: what this device read in it. photo: whether that is to be asked for.
 * nonce: of the challenge it answers. Raises Refused.
 *
 * Asked is for what the code states itself, so that its holder can read what was seen, and for the photo: nothing else.
 */
export async function askServer(code: string, found: Answer, photo: boolean, nonce?: Uint8Array): Promise<OnlineAnswer> {
  const { key, purpose } = desk.value!;
  const ask = (): Promise<OnlineAnswer> => {
    const order = { code, purpose, claims: wanted(found, photo), ...(nonce ? { nonce: base64url(nonce) } : {}) };
    return asked<OnlineAnswer>(key, "/v1/verifier/checks", { method: "POST", body: JSON.stringify(order) });
  };
  try {
    return await ask();
  } catch (error) {
    const said = error instanceof Refused ? error.problem?.code : undefined;
    if (said !== "purpose_not_registered" && said !== "claim_not_registered") throw error;
    await refreshDesk();
    // The purpose stands and may see less than this page knew: what is left of it is asked for.
    if (said === "claim_not_registered" && desk.value?.key === key && desk.value.purpose === purpose) return ask();
    throw error;
  }
}

function wanted({ document }: Answer, photo: boolean): string[] {
  const purpose = desk.value!.purposes.find((each) => each.code === desk.value!.purpose);
  const registered = document && purpose?.claims[document.utility.code];
  if (!registered) return [];
  const stated = registered.filter((name) => document.claims.some((each) => each.name === name));
  return purpose.portrait && photo ? [...stated, PORTRAIT] : stated;
}

/** A check that was kept, and may have to be told of. */
export interface Noted {
  name: string;
  by: Desk;
}

/** Keep a check before its verdict is shown; undefined where this device could not. by: whose key is in use. isAsked: the
 * server is asked about it now. */
export async function noteCheck(answer: Answer, told: Told, by: Desk, isAsked: boolean): Promise<Noted | undefined> {
  let name = "";
  const noting = note(answer, told, by, clockOff.value, isAsked ? ASKING_MILLISECONDS : 0);
  const isKept = await keep("receipt", noting.then((kept) => (name = kept)));
  if (!isKept) noting.then((late) => answered(late, by)).catch(() => undefined); // what comes too late is not what was shown
  if (desk.value?.key !== by.key) await keepDesksInUse();
  return isKept ? { name, by } : undefined;
}

/** Nothing is to be told of a check: the server has answered, or nobody saw the verdict. */
export async function withdraw({ name, by }: Noted): Promise<void> {
  await keep("receipt", answered(name, by));
}

/** A check is to be told of: the server has not answered, or looked for nobody. wasAsked: it may have the look on record.
 * said: the verdict of the server, where that took the place of what was shown. */
export async function leaveToTell({ name, by }: Noted, wasAsked: boolean, said?: Told): Promise<void> {
  await keep("receipt", unanswered(name, by, wasAsked, said));
}

let isTelling = false;

/** Send what was checked without the server, batch after batch, until nothing waits or it does not answer. */
export async function tellReceipts(): Promise<void> {
  const by = desk.value;
  if (isTelling || !by) return;
  isTelling = true;
  const tell = async (): Promise<void> => {
    for (let batch = await nextBatch(by, clockOff.value); batch; batch = await nextBatch(by, clockOff.value)) {
      await settle(by, batch, await told(batch, by.key));
    }
  };
  try {
    // Of two pages of one desk one tells: what both had read would be counted twice.
    const alone = `viso-scan-telling.${deskOf(by)}`;
    await (navigator.locks ? navigator.locks.request(alone, { ifAvailable: true }, (free) => (free ? tell() : undefined)) : tell());
  } catch {
    // What passes is tried again later; what is not settled is kept.
  } finally {
    isTelling = false;
  }
}

/** Return what of a batch was refused for good, undefined when it has arrived. */
async function told(batch: Batch, key: string): Promise<Faults | undefined> {
  const headers = { "Idempotency-Key": batch.id };
  const { receipts, counts } = bodyOf(batch);
  const body = JSON.stringify({ receipts, counts });
  try {
    await asked<undefined>(key, "/v1/verifier/receipts", { method: "POST", headers, body });
    return undefined;
  } catch (error) {
    if (!(error instanceof Refused) || !error.problem || !error.isForGood) throw error;
    const { code: whole, errors } = error.problem;
    const named = new Map<number, Why>();
    let ofCounts = false;
    for (const { pointer, code } of Array.isArray(errors) ? errors : []) {
      const place = Number(/^\/receipts\/(\d+)(?:\/|$)/.exec(pointer)?.[1] ?? NaN);
      if (place < receipts.length && !named.has(place)) named.set(place, whyOf(code));
      ofCounts ||= /^\/counts(?:\/|$)/.test(pointer);
    }
    if (named.size || ofCounts) return { receipts: named, counts: ofCounts };
    // A refusal that names nothing is of the whole.
    return { receipts: new Map([...receipts.keys()].map((place) => [place, whyOf(whole)])), counts: true };
  }
}

const whyOf = (code: string): Why => WHY.get(code) ?? "other";

/** Return what has become of a share: the visitor answers on the phone. Raises Refused. */
export async function readShare(id: string): Promise<Share> {
  if (!desk.value) throw new Refused("key");
  return asked<Share>(desk.value.key, `/v1/verifier/shares/${encodeURIComponent(id)}`);
}

async function asked<T>(key: string, path: string, what: RequestInit = {}): Promise<T> {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), PATIENCE_MILLISECONDS);
  try {
    const headers = { ...what.headers, "Content-Type": "application/json", "X-Desk-Key": key };
    const response = await fetch(path, { ...what, cache: "no-store", headers, signal: patience.signal });
    online.value = true;
    if (response.ok && desk.value?.key === key) deskPaused.value = false;
    if (response.status === 204) return undefined as T;
    if (response.ok) return (await response.json()) as T;
    const problem = await problemOf(response);
    const refusal = REFUSALS.get(problem?.code) ?? (response.status === 429 ? "quota" : "failed");
    if (desk.value?.key === key) {
      if (refusal === "suspended") deskPaused.value = true;
      if (refusal === "key") {
        deskLost.value = true;
        await forgetDesk(true);
      }
    }
    throw new Refused(refusal, problem, FOR_GOOD.includes(response.status));
  } catch (error) {
    if (error instanceof Refused) throw error;
    online.value = false;
    throw new Refused("unreachable");
  } finally {
    clearTimeout(timer);
  }
}

/** Return what the service says of a request that it does not take; undefined where it was not the service that spoke. */
async function problemOf(response: Response): Promise<Problem | undefined> {
  const type = response.headers.get("Content-Type") ?? "";
  return type.startsWith("application/problem+json") ? ((await response.json()) as Problem) : undefined;
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}
