// Judges one code again and again for whoever measures. First line in: { verifier, bundle, pins, now, code }. Then a
// number a line: so many times; out comes what one took of the processor, in microseconds.
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

let judged = null;
for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const told = JSON.parse(line);
  if (!judged) {
    const { judge, takeBundle } = await import(pathToFileURL(told.verifier).href);
    const bundle = await takeBundle(told.bundle, told.pins, told.now);
    judged = () => judge(told.code, bundle, {}, told.now);
    if (!(await judged()).accepted) throw new Error("the bench's own code is not valid");
    continue;
  }
  const before = process.cpuUsage();
  for (let left = told; left > 0; left--) await judged();
  const { user, system } = process.cpuUsage(before);
  process.stdout.write(`${(user + system) / told}\n`);
}
