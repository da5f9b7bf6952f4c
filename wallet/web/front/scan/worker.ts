/** Reads and judges codes beside the page, so that the picture never stutters. */

import { prepareZXingModule, readBarcodes } from "zxing-wasm/reader";
import { BundleRefused, judge, keptBundle, latestOf, takeBundle } from "../verifier";
import type { Answer, TrustedBundle } from "../verifier";
import type { Ask, Demand, Reply, Trust } from "./messages";
import { ReplayMemory } from "./store";

/** Carried by no code, whose nonces have 8 bytes: what a gate demands whose challenges are all answered or over. */
const NO_NONCE = new Uint8Array(0);
/** How long a code must be out of sight before the same one counts as shown again. */
const GONE_MILLISECONDS = 2000;

let bundle: TrustedBundle | undefined;
/** How long a code counts as known that comes back: what hangs on the wall is read now and then. */
const KNOWN_MILLISECONDS = 10_000;
/** Codes that were before the camera, and when each was last seen there: several may be in view. */
const inView = new Map<string, number>();
const memories = new Map<string, ReplayMemory>();

prepareZXingModule({ overrides: { locateFile: (path: string) => ASSETS[path] ?? path } });

self.onmessage = (event: MessageEvent<{ id: number; ask: Ask }>) => {
  const { id, ask } = event.data;
  // Whoever asked waits: a reader that throws says so, and is asked again.
  const failed = (): Reply => ({ kind: "engineFailed" });
  void answerTo(ask).catch(failed).then((reply) => self.postMessage({ id, reply }));
};

async function answerTo(ask: Ask): Promise<Reply> {
  switch (ask.kind) {
    case "warm":
      try {
        await prepareZXingModule({ fireImmediately: true });
        return { kind: "warmed" };
      } catch {
        return { kind: "engineFailed" };
      }
    case "hold":
      return take(() => keptBundle(ask.token, ask.pins, ask.carried), false);
    case "offer":
      if (bundle?.token === ask.token) return taken(bundle, false);
      return take(() => takeBundle(ask.token, ask.pins, ask.now, bundle), true);
    case "forget":
      inView.clear();
      return { kind: "nothing" };
    case "text":
      return judged(ask.text, ask.demand, performance.now());
    case "frame":
      return read(ask);
  }
}

async function take(verified: () => Promise<TrustedBundle>, isOffer: boolean): Promise<Reply> {
  try {
    bundle = await verified();
  } catch (error) {
    return { kind: "refused", reason: error instanceof BundleRefused ? error.reason : "malformed" };
  }
  return isOffer ? taken(bundle, true) : { kind: "held", trust: told(bundle) };
}

function taken(held: TrustedBundle, isNews: boolean): Reply {
  return { kind: "taken", trust: told(held), isNews, carried: held.carried };
}

/** Return what the strip tells of a bundle that was taken. */
function told({ iat, nextUpdate, exp, issuers, keys, status, types }: TrustedBundle): Trust {
  const lists = latestOf(status);
  return {
    iat,
    nextUpdate,
    issuers: issuers.size,
    keys: keys.size,
    lists: lists.length,
    oldestIat: lists.reduce((oldest, { issuedAt }) => Math.min(oldest, issuedAt), iat),
    firstExp: lists.reduce((first, { expiresAt }) => Math.min(first, expiresAt), exp),
    types: types.size,
  };
}

async function read(ask: Extract<Ask, { kind: "frame" }>): Promise<Reply> {
  const begun = performance.now();
  const picture = new ImageData(new Uint8ClampedArray(ask.pixels), ask.width, ask.height);
  const found = await readBarcodes(picture, {
    formats: ["QRCode"],
    tryHarder: true,
    tryInvert: true,
    returnErrors: true,
    maxNumberOfSymbols: 1,
    textMode: "Plain",
  });
  const whole = found.find((each) => each.isValid);
  if (!whole) return { kind: found.length ? "partial" : "nothing" };
  for (const [text, at] of inView) if (begun - at >= KNOWN_MILLISECONDS) inView.delete(text);
  const seenAt = inView.get(whole.text);
  const isSame = seenAt !== undefined && begun - seenAt < GONE_MILLISECONDS;
  if (isSame || !ask.watch) inView.set(whole.text, begun);
  if (ask.watch) return { kind: "nothing" };
  if (isSame && !ask.careful) return { kind: "same" };
  const reply = await judged(whole.text, ask.demand, begun);
  return seenAt !== undefined && (reply.kind === "answer" || reply.kind === "noTrust") ? { ...reply, known: true } : reply;
}

async function judged(text: string, demand: Demand, begun: number): Promise<Reply> {
  if (!bundle) return { kind: "noTrust", text };
  let memory = memories.get(demand.memory);
  if (!memory) memories.set(demand.memory, (memory = new ReplayMemory(demand.memory)));
  const nonces = demand.nonces?.length === 0 ? [NO_NONCE] : (demand.nonces ?? [undefined]);
  let answer: Answer | undefined;
  let answered: Uint8Array | undefined;
  try {
    for (const nonce of nonces) {
      const policy = {
        gateId: demand.gate,
        gateDemanded: demand.nonces !== undefined,
        ...(nonce ? { demandedNonce: nonce } : {}),
        ...(demand.utilities ? { utilities: demand.utilities } : {}),
      };
      answer = await judge(text, bundle, policy, demand.now, memory);
      answered = nonce;
      if (!answer.reasons.includes("wrong_gate")) break;
    }
  } catch {
    return { kind: "memoryFailed", text }; // the memory is all that can fail: nothing may pass without it
  }
  const reply: Reply = { kind: "answer", answer: answer!, text, milliseconds: performance.now() - begun };
  if (answer!.reasons.includes("live_replayed") && memory.found) reply.seen = memory.found;
  if (answered && !answer!.reasons.includes("wrong_gate")) reply.nonce = answered;
  return reply;
}
