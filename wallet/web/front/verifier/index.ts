// The verifier of docs/wire.md in the browser. No DOM, no network: a page, a worker and Node alike.
//
//   const bundle = await takeBundle(token, pins, now);
//   const answer = await judge(text, bundle, {}, now);
export type { Answer, ClaimAnswer, DocumentAnswer, Readable } from "./answer";
export { rfc3339, SAMPLE_MARK } from "./answer";
export { bundleDigest, keptBundle, takeBundle } from "./bundle";
export { CHALLENGE_PREFIX, DOCUMENT_PREFIX, encodeGateChallenge, LIVE_PREFIX } from "./codes";
export { BundleRefused } from "./errors";
export type { Policy } from "./policy";
export { REASONS, type Verdict } from "./reasons";
export { MemoryReplay, type Replay } from "./replay";
export { latestOf, type StatusCopy } from "./status";
export { holding, type Names, type TrustedBundle } from "./trust";
export { judge } from "./verify";
