// Check a code with the network dead: check_offline.ts CODE BUNDLE_FILE PIN. The rules of docs/wire.md, nothing else.
import { readFileSync } from "node:fs";
import { judge, MemoryReplay, takeBundle } from "../../wallet/web/front/verifier/index";

const [code, file, pin] = process.argv.slice(2);
const now = Math.floor(Date.now() / 1000);
const bundle = await takeBundle(readFileSync(file, "utf8").trim(), [pin], now);
const answer = await judge(code, bundle, { gateId: "C3" }, now, new MemoryReplay());
console.log(answer.verdict, ...answer.reasons);
process.exitCode = answer.accepted ? 0 : 1;
