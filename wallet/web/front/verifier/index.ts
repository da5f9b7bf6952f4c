// The verifier of docs/wire.md in the browser. No DOM, no network: a page, a worker and Node alike.
export { decodeBase45 } from "./base45";
export { BundleRefused, Malformed, VerificationFailed } from "./errors";
