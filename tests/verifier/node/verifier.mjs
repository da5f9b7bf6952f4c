// Where the built verifier is (VERIFIER: the path of the built module), and what the vectors' policies are called in it.
import { pathToFileURL } from "node:url";

export const verifier = await import(pathToFileURL(process.env.VERIFIER).href);

/** Returns the policy that a vector tells. */
export function policyOf(told) {
  const policy = {};
  if (told.gate_id !== undefined) policy.gateId = told.gate_id;
  if (told.gate_demanded !== undefined) policy.gateDemanded = told.gate_demanded;
  if (told.demanded_nonce !== undefined) policy.demandedNonce = Uint8Array.from(Buffer.from(told.demanded_nonce, "hex"));
  for (const name of ["recipients", "utilities", "claims"]) if (told[name]) policy[name] = told[name];
  return policy;
}
