// What the scanner makes of answers: JSON lines in, one outcome or toast a line out. OUTCOME names the built module.
// A line: {answer, profile?, clockWrong?}; without a profile everything is taken.
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const { outcomeOf, toastOf } = await import(pathToFileURL(process.env.OUTCOME).href);
for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const { answer, profile = { code: "any" }, clockWrong = false } = JSON.parse(line);
  const toast = toastOf(answer, "");
  const { code, look, rule } = toast ? { code: toast, look: "toast" } : outcomeOf(answer, profile, { nowSeconds: 0, clockWrong });
  process.stdout.write(`${JSON.stringify([code, look, rule])}\n`);
}
