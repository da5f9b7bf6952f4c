// The CWT claims set that documents and cards share. Source: RFC 8392, section 3; docs/wire.md, sections 1 and 2.
import type { Members, Value } from "./cbor";
import { Malformed } from "./errors";

const ISSUER = 1;
const RECIPIENT = 3;
const EXPIRES_AT = 4;
const ISSUED_AT = 6;
const CWT_ID = 7;
const STATUS = 65535;
const BODY = -70000;
const DOCUMENT_ID_BYTES = 16;
const HASH_BYTES = 32;
const [UTILITY, VERSION, CLAIMS, HASH] = [1, 2, 3, 4];

/** Where the status of a document stands. uri: compared letter for letter. */
export interface StatusReference {
  idx: number;
  uri: string;
}

/** What a document or card says of itself. Times in seconds. */
export interface ClaimsSet {
  issuer: string;
  issuedAt: number;
  expiresAt: number;
  documentId: Uint8Array;
  recipient: string | null;
  /** null without claim 65535, and when that names another mechanism: then `otherStatus`. */
  status: StatusReference | null;
  otherStatus: boolean;
  utility: string;
  utilityVersion: number;
  claims: ReadonlyMap<number, Value>;
}

/** Returns the claims set of a payload. card: the issuer's layer of a live code, which has no recipient. */
export function readClaimsSet(payload: Members, card: boolean): ClaimsSet {
  const issuer = payload.get(ISSUER);
  const issuedAt = payload.get(ISSUED_AT);
  const expiresAt = payload.get(EXPIRES_AT);
  const documentId = payload.get(CWT_ID);
  const body = payload.get(BODY);
  if (typeof issuer !== "string" || !(body instanceof Map)) throw new Malformed("issuer or body");
  if (!isUint(issuedAt) || !isUint(expiresAt)) throw new Malformed("a time is missing or of another type");
  if (issuedAt >= expiresAt) throw new Malformed("it would end before it began");
  if (!isBytes(documentId, DOCUMENT_ID_BYTES)) throw new Malformed("the id is missing or of another type");
  const recipient = (card ? undefined : payload.get(RECIPIENT)) ?? null;
  if (recipient !== null && typeof recipient !== "string") throw new Malformed("the recipient is of another type");
  const claim = payload.get(STATUS);
  const status = claim === undefined ? null : readStatus(claim);
  const utility = body.get(UTILITY!);
  const utilityVersion = body.get(VERSION!);
  const claims = body.get(CLAIMS!);
  const claimsHash = body.get(HASH!);
  if (typeof utility !== "string" || !isUint(utilityVersion) || !(claims instanceof Map)) {
    throw new Malformed("the body lacks a member, or one is of another type");
  }
  for (const number of claims.keys()) if (!isUint(number)) throw new Malformed("a claim without a number");
  if (claimsHash !== undefined && !isBytes(claimsHash, HASH_BYTES)) throw new Malformed("the hash is of another type");
  return {
    issuer,
    issuedAt,
    expiresAt,
    documentId,
    recipient,
    status,
    otherStatus: claim !== undefined && status === null,
    utility,
    utilityVersion,
    claims: claims as ReadonlyMap<number, Value>,
  };
}

export function isUint(value: Value | undefined): value is number {
  return typeof value === "number" && value >= 0;
}

export function isBytes(value: Value | undefined, length: number): value is Uint8Array {
  return value instanceof Uint8Array && value.length === length;
}

/** Returns the reference; null when the claim names another mechanism. Source: draft-21, section 6.3. */
function readStatus(claim: Value): StatusReference | null {
  if (!(claim instanceof Map)) throw new Malformed("the status is of another type");
  const reference = claim.get("status_list");
  if (reference === undefined) return null;
  if (!(reference instanceof Map)) throw new Malformed("the status is of another type");
  const idx = reference.get("idx");
  const uri = reference.get("uri");
  if (!isUint(idx) || typeof uri !== "string") throw new Malformed("the status lacks a member");
  return { idx, uri };
}
