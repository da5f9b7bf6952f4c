// Judges codes without network, for whoever compares: JSON lines in, one answer a line out. VERIFIER names the module.
//
// First line: { bundle, pins, now }. Then one code a line: { text, now?, policy? }. No memory: each is judged alone.
// With BENCH, the codes are judged again and again for so many seconds: one line out, { count, seconds }.
import { createInterface } from "node:readline";
import { policyOf, verifier } from "./verifier.mjs";

const { judge, takeBundle } = verifier;
const codes = [];
let first = null;
let bundle = null;
for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const told = JSON.parse(line);
  if (!first) {
    first = told;
    bundle = await takeBundle(told.bundle, told.pins, told.now);
  } else if (process.env.BENCH) {
    codes.push(told);
  } else {
    const answer = await judge(told.text, bundle, policyOf(told.policy ?? {}), told.now ?? first.now);
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
}

if (process.env.BENCH) {
  const run = async (seconds) => {
    const began = performance.now();
    for (let count = 0; ; ) {
      for (const { text, now } of codes) await judge(text, bundle, {}, now ?? first.now);
      count += codes.length;
      const spent = (performance.now() - began) / 1000;
      if (spent >= seconds) return { count, seconds: spent };
    }
  };
  await run(Number(process.env.BENCH) / 4); // warm, as a page that scans is
  process.stdout.write(`${JSON.stringify(await run(Number(process.env.BENCH)))}\n`);
}
