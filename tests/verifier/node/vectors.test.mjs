// The vectors of tests/vectors/verifier, read by the verifier that the pages use. `node --test`, with VERIFIER set.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { policyOf, verifier } from "./verifier.mjs";

const read = (name) => JSON.parse(readFileSync(new URL(`../../vectors/verifier/${name}`, import.meta.url), "utf8"));
const { BundleRefused, judge, keptBundle, MemoryReplay, REASONS, takeBundle } = verifier;
const codes = read("codes.json");
const bundles = read("bundles.json");

for (const kind of ["WebCrypto", "noble"]) {
  test(`codes, by ${kind}`, async (context) => {
    if (kind === "noble") withoutWebCrypto(context);
    const held = new Map();
    for (const [name, token] of Object.entries(codes.bundles)) {
      held.set(name, await takeBundle(token, codes.pins, codes.now));
    }
    for (const { name, text, bundle, policy, times, answers } of codes.cases) {
      await context.test(name, async () => {
        const memory = new MemoryReplay();
        for (const [look, now] of times.entries()) {
          const answer = await judge(text, held.get(bundle), policyOf(policy), now, memory);
          assert.deepEqual(JSON.parse(JSON.stringify(answer)), answers[look]);
        }
      });
    }
  });
}

test("bundles", async (context) => {
  for (const { name, token, reason, pins, now, held, text, reasons } of bundles.cases) {
    await context.test(name, async () => {
      const before = held === undefined ? null : await keptBundle(held, bundles.pins);
      const taking = takeBundle(token, pins ?? bundles.pins, now ?? bundles.now, before);
      if (reason === null) assert.equal((await taking).token, token);
      else await assert.rejects(taking, (error) => error instanceof BundleRefused && error.reason === reason);
      if (text === undefined) return;
      const taken = await taking;
      const again = await keptBundle(token, bundles.pins, taken.carried);
      for (const bundle of [taken, again]) {
        assert.deepEqual((await judge(text, bundle, {}, bundles.now)).reasons, reasons);
      }
    });
  }
});

test("every reason that a verifier without network can give has a case", () => {
  const seen = new Set(codes.cases.flatMap(({ answers }) => answers.flatMap(({ reasons }) => reasons)));
  const offline = REASONS.filter((code) => code !== "superseded" && code !== "account_locked");
  assert.deepEqual(offline.filter((code) => !seen.has(code)), []);
});

test("hostile text ends soon", async () => {
  const bundle = await takeBundle(codes.bundles.plain, codes.pins, codes.now);
  const texts = ["A", " ", "\0", "é", "\ud800", "VD1:", "VL1: "].map((part) => part.repeat(1_000_000));
  texts.push(`VD1:${" ".repeat(1_000_000)}x`, `VD1:${":".repeat(4292)}`, `VD1:${"0".repeat(4292)}`);
  for (const text of texts) {
    let least = Infinity; // of the processor's own time, and of three: other processes take what they want
    for (let turn = 0; turn < 3; turn++) {
      const before = process.cpuUsage();
      const { verdict } = await judge(text, bundle, {}, codes.now);
      const { user, system } = process.cpuUsage(before);
      assert.equal(verdict, "invalid");
      least = Math.min(least, (user + system) / 1000);
    }
    assert.ok(least < 50, `${text.slice(0, 10)}: ${least} ms`);
  }
});

/** A page from a place that is not secure has no WebCrypto: @noble/curves must say the same. */
function withoutWebCrypto(context) {
  const before = Object.getOwnPropertyDescriptor(globalThis, "crypto");
  Object.defineProperty(globalThis, "crypto", { value: {}, configurable: true });
  context.after(() => Object.defineProperty(globalThis, "crypto", before));
}
