// Check a code online, as a desk: check_online.ts CODE URL PURPOSE, the key in DESK_KEY.
const [code, url, purpose] = process.argv.slice(2);
const key = process.env.DESK_KEY;
if (!purpose || !key) {
  console.error("DESK_KEY=… check_online.ts CODE URL PURPOSE; `wallet demo desks` shows a key to try with");
  process.exit(1);
}
const headers = { "X-Desk-Key": key, "Content-Type": "application/json" };
const body = JSON.stringify({ code, purpose });
const signal = AbortSignal.timeout(10_000);
const answer = await fetch(`${url}/v1/verifier/checks`, { method: "POST", headers, body, signal })
  .then((response) => response.json())
  .catch((failed) => ({ code: "no_answer", detail: `${failed.cause ?? failed}: is ${url} the service?` }));
if (answer.code) console.error(`${answer.code}: ${answer.detail}`); // a refusal says what to try next
else console.log(answer.verdict, ...answer.reasons);
process.exitCode = answer.accepted ? 0 : 1;
