/** Keeps the trust bundle fresh in the background, and says it when something about it is not as it should be. */

import type { Ask, Reply } from "./messages";
import {
  choices, choose, clockOff, config, heldPins, lost, now, offeredPins, online, refused, trust, updating, type Config,
} from "./state";
import { read, write } from "./store";

const EVERY_MILLISECONDS = 15 * 60 * 1000;
const PATIENCE_MILLISECONDS = 10_000;

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
  const [pins, token, told] = await Promise.all([read<string[]>("pins"), read<string>("bundle"), read<Config>("config")]);
  heldPins.value = pins ?? [];
  config.value = told;
  if (token && pins) {
    const reply = await toWorker({ kind: "hold", token, pins });
    if (reply.kind === "held") trust.value = reply.trust;
    else if (reply.kind === "refused") refused.value = REFUSALS[reply.reason] ?? "other";
  }
  const again = (): void => void refresh(toWorker);
  window.addEventListener("online", again);
  window.addEventListener("offline", () => {
    online.value = false;
    now.value = seconds();
  });
  setInterval(again, EVERY_MILLISECONDS);
  await refresh(toWorker);
}

/** Fetch gates, pins and the bundle. Without network nothing changes. */
export async function refresh(toWorker: ToWorker): Promise<void> {
  if (updating.value) return;
  updating.value = true;
  try {
    await refreshConfig();
    await refreshBundle(toWorker);
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
  await write("pins", pins);
  heldPins.value = pins;
  offeredPins.value = [];
  refused.value = undefined;
  await refresh(toWorker);
}

async function refreshConfig(): Promise<void> {
  const { answer, body } = await fetched("/scan/config.json", "application/json");
  const told = JSON.parse(body) as Config & { seen_before: boolean };
  if (!heldPins.value.length) {
    lost.value = told.seen_before || choices.value.installed;
    heldPins.value = told.pins;
    await write("pins", told.pins);
    choose({ installed: true });
    void navigator.storage?.persist?.().catch(() => undefined);
  }
  offeredPins.value = told.pins.filter((pin) => !heldPins.value.includes(pin));
  const kept: Config = { pins: told.pins, built_at: told.built_at, profiles: told.profiles };
  config.value = kept;
  await write("config", kept);
  readClock(answer);
}

async function refreshBundle(toWorker: ToWorker): Promise<void> {
  const { body } = await fetched("/v1/trust/bundle", "application/jwt");
  const token = body.trim();
  const reply = await toWorker({ kind: "offer", token, pins: heldPins.value, now: seconds() });
  if (reply.kind === "taken") {
    if (reply.isNews) await write("bundle", token);
    trust.value = reply.trust;
    refused.value = undefined;
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
