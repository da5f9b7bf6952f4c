// Status lists, and step 6. Source: Token Status List, draft-ietf-oauth-status-list-21; docs/wire.md, 3 and 5.
import { decodeBase64url } from "./bytes";
import type { StatusReference } from "./claims";
import { Malformed } from "./errors";
import { inflate } from "./inflate";
import type { Json, JsonObject } from "./json";
import { parseJws, verifyJws } from "./jws";
import type { TrustedKey } from "./trust";

const TYP = "statuslist+jwt";
const MAX_LIST_BYTES = 4 * 1024 * 1024;
const MAX_TOKEN_CHARACTERS = 8 * 1024 * 1024;
const FUTURE_SECONDS = 60;
const VALID = 0;
const INVALID = 1;
const SUSPENDED = 2;

/** A copy of a status list whose signer is good. Times in seconds. */
export interface StatusCopy {
  issuer: string;
  uri: string;
  /** The JWT. */
  token: string;
  issuedAt: number;
  expiresAt: number;
  /** null when the list itself is unreadable: it still counts, for an older copy must not speak in its place. */
  list: { bits: number; entries: Uint8Array } | null;
}

/** Returns the copies that a status list JWT is, one for each issuer whose `status` key signed it; often none. */
export async function copiesOf(token: string, keys: Iterable<TrustedKey>): Promise<StatusCopy[]> {
  const copies: StatusCopy[] = [];
  let signed;
  try {
    signed = parseJws(token, TYP, MAX_TOKEN_CHARACTERS);
  } catch {
    return copies; // what cannot be read is no copy
  }
  const kid = signed.header.get("kid");
  for (const key of keys) {
    if (key.role !== "status" || key.kid !== kid || !key.publicKey) continue;
    let claims: JsonObject;
    try {
      claims = await verifyJws(signed, key.publicKey);
    } catch {
      continue;
    }
    const [uri, issuedAt, expiresAt, ttl] = ["sub", "iat", "exp", "ttl"].map((name) => claims.get(name));
    if (typeof uri !== "string" || !isUint(issuedAt)) continue;
    const end = isUint(expiresAt) ? expiresAt : null;
    if (!key.maySign(issuedAt, end ?? issuedAt)) continue;
    const list = end !== null && isUint(ttl) ? unpack(claims.get("status_list")) : null;
    // without an end that can be read it is unknown, not stale
    copies.push({ issuer: key.issuer, uri, token, issuedAt, expiresAt: end ?? Number.MAX_SAFE_INTEGER, list });
  }
  return copies;
}

/**
 * Returns the tokens of the copies held whose place none of `newer` may take: theirs are older.
 *
 * A list that is missing there stays until it is over. What is dated ahead does not stay: it was taken by a clock that
 * ran ahead. Source: docs/wire.md, 3 and 5.
 */
export function outliving(held: readonly StatusCopy[], newer: readonly StatusCopy[], now: number): string[] {
  const tokens = new Set<string>();
  for (const copy of held) {
    if (copy.issuedAt > now + FUTURE_SECONDS) continue;
    const rivals = newer.filter(({ issuer, uri }) => issuer === copy.issuer && uri === copy.uri);
    if (!rivals.length && now >= copy.expiresAt) continue;
    if (rivals.every(({ issuedAt }) => copy.issuedAt > issuedAt)) tokens.add(copy.token);
  }
  return [...tokens];
}

/** Returns of each list of each issuer the copy that counts: the one that was made last. */
export function latestOf(copies: readonly StatusCopy[]): StatusCopy[] {
  const latest = new Map<string, StatusCopy>();
  for (const copy of copies) {
    const name = `${copy.issuer} ${copy.uri}`;
    if (copy.issuedAt > (latest.get(name)?.issuedAt ?? -1)) latest.set(name, copy);
  }
  return [...latest.values()];
}

/** Step 6: returns the reasons, and the age of the copy that counted, null without one. */
export function checkStatus(
  copies: readonly StatusCopy[],
  issuer: string,
  reference: StatusReference | null,
  now: number,
): [string[], number | null] {
  let latest: StatusCopy | null = null;
  for (const copy of reference ? copies : []) {
    if (copy.issuer !== issuer || copy.uri !== reference!.uri || copy.issuedAt > now + FUTURE_SECONDS) continue;
    if (!latest || copy.issuedAt > latest.issuedAt) latest = copy;
  }
  if (!latest) return [["status_unknown"], null];
  const stale = now >= latest.expiresAt;
  const value = entryOf(latest, reference!.idx);
  const reasons = stale ? ["status_stale"] : [];
  if (value === INVALID) reasons.push("revoked");
  else if (!stale && value === SUSPENDED) reasons.push("suspended");
  else if (!stale && value !== VALID) reasons.push("status_unknown");
  return [reasons, Math.floor(now) - latest.issuedAt];
}

/** Returns the value of one entry, lowest bits first; null outside the list. Source: draft-21, section 4.1. */
function entryOf({ list }: StatusCopy, index: number): number | null {
  if (!list) return null;
  const each = 8 / list.bits;
  const byte = list.entries[Math.floor(index / each)];
  return byte === undefined ? null : (byte >> ((index % each) * list.bits)) & ((1 << list.bits) - 1);
}

function unpack(packed: Json | undefined): StatusCopy["list"] {
  if (!(packed instanceof Map)) return null;
  const bits = packed.get("bits");
  const deflated = packed.get("lst");
  if (typeof bits !== "number" || ![1, 2, 4, 8].includes(bits) || typeof deflated !== "string") return null;
  try {
    return { bits, entries: inflate(decodeBase64url(deflated), MAX_LIST_BYTES) };
  } catch (error) {
    if (error instanceof Malformed) return null;
    throw error;
  }
}

function isUint(value: Json | undefined): value is number {
  return typeof value === "number" && value >= 0; // NaN is not
}
