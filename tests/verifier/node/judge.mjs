// Judges codes without network, for whoever compares: JSON lines in, one answer a line out. VERIFIER names the module.
//
// First line: { bundle, pins, now }. Then one code a line: { text, now?, policy? }. No memory: each is judged alone.
import { createInterface } from "node:readline";
import { policyOf, verifier } from "./verifier.mjs";

const { judge, takeBundle } = verifier;
let first = null;
let bundle = null;
for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const told = JSON.parse(line);
  if (!first) {
    first = told;
    bundle = await takeBundle(told.bundle, told.pins, told.now);
  } else {
    const answer = await judge(told.text, bundle, policyOf(told.policy ?? {}), told.now ?? first.now);
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
}
