/** Keeps the trust bundle fresh in the background, and says it when something about it is not as it should be. */

import type { Ask, Reply } from "./messages";
import {
  choices, choose, clockOff, config, heldPins, lost, now, offeredPins, online, refused, trust, updating, type Config,
} from "./state";
import { keep, recall, unkept } from "./keeping";
import { write, writeThese } from "./store";

const EVERY_MILLISECONDS = 15 * 60 * 1000;
const PATIENCE_MILLISECONDS = 10_000;
/** Who comes back to the page sooner sees what is held. */
const REST_MILLISECONDS = 60_000;
let refreshedAt = 0;

let endSearch: () => void;
/** Over once a list is held, or none was to be had: until then no code is judged by none. */
export const sought = new Promise<void>((resolve) => (endSearch = resolve));

export type ToWorker = (ask: Ask, moved?: Transferable[]) => Promise<Reply>;

const REFUSALS: Record<string, string> = {
  seq_not_higher: "older",
  prev_differs: "broken_chain",
  bad_signature: "signature",
  key_not_allowed: "pin",
  not_yet_valid: "future",
};

/** Take what was kept, then fetch now, every quarter of an hour, and when the network comes back. */
export async function keepTrust(toWorker: ToWorker): Promise<void> {
  await readKept(toWorker);
  if (trust.value) endSearch();
  const again = (): void => void refresh(toWorker);
  window.addEventListener("online", again);
  document.addEventListener("visibilitychange", () => {
    // A device that slept has missed its turns.
    if (!document.hidden && Date.now() - refreshedAt >= REST_MILLISECONDS) again();
  });
  window.addEventListener("offline", () => {
    online.value = false;
    now.value = seconds();
  });
  setInterval(again, EVERY_MILLISECONDS);
  await refresh(toWorker);
  endSearch();
}

async function readKept(toWorker: ToWorker): Promise<void> {
  const [pins, token, carried, told] = await Promise.all([
    recall<string[]>("pins"), recall<string>("bundle"), recall<string[]>("carried"), recall<Config>("config"),
  ]);
  heldPins.value = pins ?? [];
  config.value ??= told;
  if (token && pins) {
    const reply = await toWorker({ kind: "hold", token, pins, carried: carried ?? [] });
    if (reply.kind === "held") trust.value = reply.trust;
    else if (reply.kind === "refused") refused.value = REFUSALS[reply.reason] ?? "other";
  }
}

/** Whether there may be pins that this browser does not hand out: no others take their place. */
export const arePinsUnread = (): boolean => !heldPins.value.length && unkept.value.has("pins");

/** Fetch gates, pins and the bundle. Without network nothing changes. */
export async function refresh(toWorker: ToWorker): Promise<void> {
  if (updating.value) return;
  updating.value = true;
  refreshedAt = Date.now();
  try {
    if (arePinsUnread()) await readKept(toWorker);
    await refreshConfig();
    if (heldPins.value.length) await refreshBundle(toWorker);
    online.value = true;
  } catch {
    online.value = false;
  } finally {
    updating.value = false;
    now.value = seconds();
  }
}

/** The pin is taken once, when the page is installed; another one later is shown, and used only by a person's word. */
export async function acceptPins(toWorker: ToWorker): Promise<void> {
  const pins = [...heldPins.value, ...offeredPins.value];
  heldPins.value = pins;
  offeredPins.value = [];
  await keep("pins", write("pins", pins));
  refused.value = undefined;
  await refresh(toWorker);
}

async function refreshConfig(): Promise<void> {
  const { answer, body } = await fetched("/scan/config.json", "application/json");
  const told = JSON.parse(body) as Config & { seen_before: boolean };
  if (!heldPins.value.length && !arePinsUnread()) {
    lost.value = told.seen_before || choices.value.installed;
    heldPins.value = told.pins;
    await keep("pins", write("pins", told.pins));
    choose({ installed: true });
    void navigator.storage?.persist?.().catch(() => undefined);
  } else if (heldPins.value.length && unkept.value.has("pins")) {
    await keep("pins", write("pins", heldPins.value));
  }
  offeredPins.value = arePinsUnread() ? [] : told.pins.filter((pin) => !heldPins.value.includes(pin));
  const kept: Config = { pins: told.pins, built_at: told.built_at, profiles: told.profiles };
  config.value = kept;
  await keep("config", write("config", kept));
  readClock(answer);
}

async function refreshBundle(toWorker: ToWorker): Promise<void> {
  const { body } = await fetched("/v1/trust/bundle", "application/jwt");
  const token = body.trim();
  const reply = await toWorker({ kind: "offer", token, pins: heldPins.value, now: seconds() });
  if (reply.kind === "taken") {
    trust.value = reply.trust;
    refused.value = undefined;
    if (reply.isNews || unkept.value.has("bundle")) {
      await keep("bundle", writeThese({ bundle: token, carried: reply.carried }));
    }
  } else if (reply.kind === "refused") {
    refused.value = REFUSALS[reply.reason] ?? "other";
  }
}

interface Timed {
  sentAt: number;
  gotAt: number;
  date: number;
}

async function fetched(path: string, accept: string): Promise<{ answer: Timed; body: string }> {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), PATIENCE_MILLISECONDS);
  try {
    const sentAt = Date.now();
    const response = await fetch(path, { cache: "no-store", headers: { Accept: accept }, signal: patience.signal });
    const gotAt = Date.now();
    if (!response.ok) throw new Error(String(response.status));
    const date = Date.parse(response.headers.get("Date") ?? "");
    return { answer: { sentAt, gotAt, date }, body: await response.text() };
  } finally {
    clearTimeout(timer);
  }
}

/** The server's clock lies somewhere between sending and getting; only what lies outside of that is an error. */
function readClock({ sentAt, gotAt, date }: Timed): void {
  if (Number.isNaN(date)) return;
  const late = (sentAt - (date + 1000)) / 1000;
  const early = (date - gotAt) / 1000;
  clockOff.value = late > 0 ? late : early > 0 ? -early : 0;
}

function seconds(): number {
  return Date.now() / 1000;
}
