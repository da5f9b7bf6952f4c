/** Reads and judges codes beside the page, so that the picture never stutters. */

import { prepareZXingModule, readBarcodes } from "zxing-wasm/reader";
import { BundleRefused, judge, keptBundle, takeBundle } from "../verifier";
import type { Answer, TrustedBundle } from "../verifier";
import type { Ask, Demand, Reply, Trust } from "./messages";
import { ReplayMemory } from "./store";

/** How long a code must be out of sight before the same one counts as shown again. */
const GONE_MILLISECONDS = 2000;

let bundle: TrustedBundle | undefined;
let last = { text: "", at: 0 };
const memories = new Map<string, ReplayMemory>();

prepareZXingModule({ overrides: { locateFile: (path: string) => ASSETS[path] ?? path } });

self.onmessage = (event: MessageEvent<{ id: number; ask: Ask }>) => {
  const { id, ask } = event.data;
  void answerTo(ask).then((reply) => self.postMessage({ id, reply }));
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
      return take(() => keptBundle(ask.token, ask.pins), false);
    case "offer":
      if (bundle?.token === ask.token) return { kind: "taken", trust: told(bundle), isNews: false };
      return take(() => takeBundle(ask.token, ask.pins, ask.now, bundle), true);
    case "forget":
      last = { text: "", at: 0 };
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
  return isOffer ? { kind: "taken", trust: told(bundle), isNews: true } : { kind: "held", trust: told(bundle) };
}

/** Return what the strip tells of a bundle that was taken. */
function told({ iat, nextUpdate, exp, issuers, keys, status, types }: TrustedBundle): Trust {
  return { iat, nextUpdate, exp, issuers: issuers.size, keys: keys.size, lists: status.length, types: types.size };
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
  const isSame = whole.text === last.text && begun - last.at < GONE_MILLISECONDS;
  last = { text: whole.text, at: begun };
  return isSame && !ask.careful ? { kind: "same" } : judged(whole.text, ask.demand, begun);
}

async function judged(text: string, demand: Demand, begun: number): Promise<Reply> {
  if (!bundle) return { kind: "noTrust", text };
  let memory = memories.get(demand.memory);
  if (!memory) memories.set(demand.memory, (memory = new ReplayMemory(demand.memory)));
  const nonces = demand.nonces?.length ? demand.nonces : [undefined];
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
