// Check a code online, as a desk: check_online.ts CODE URL PURPOSE, the key in DESK_KEY.
const [code, url, purpose] = process.argv.slice(2);
const response = await fetch(`${url}/v1/verifier/checks`, {
  method: "POST",
  headers: { "X-Desk-Key": process.env.DESK_KEY ?? "", "Content-Type": "application/json" },
  body: JSON.stringify({ code, purpose }),
  signal: AbortSignal.timeout(10_000),
});
const answer = await response.json();
if (!response.ok) throw new Error(`${answer.code}: ${answer.detail}`);
console.log(answer.verdict, ...answer.reasons);
process.exitCode = answer.accepted ? 0 : 1;
