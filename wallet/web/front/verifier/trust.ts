// Whose keys count, with everything parsed once. Source: docs/wire.md, sections 3 (steps 3 and 6) and 4.
import { decodeBase64, hex, isText } from "./bytes";
import { readCertificate } from "./certificates";
import { Malformed } from "./errors";
import { type PublicKey, sha256 } from "./es256";
import type { Json, JsonObject } from "./json";
import { copiesOf, type StatusCopy } from "./status";

const MAX_CERTIFICATE_CHARACTERS = 32_768;
const LAST_SECOND = 253_402_300_799; // the end of the year 9999
const ROLES = ["doc", "card", "live", "status", "sdjwt", "mdoc"];
const STATES = ["published", "active", "retired", "revoked"];
const KID_BYTES = 8;

/** A text in both languages. */
export interface Names {
  vi: string;
  en: string;
}

export interface TrustedClaim {
  name: string;
  label: Names;
  kind: string;
}

/** What the bundle tells of one version of one utility. */
export interface TrustedType {
  code: string;
  version: number;
  title: Names;
  claims: ReadonlyMap<number, TrustedClaim>;
}

/** One key of one issuer. Times in seconds. */
export class TrustedKey {
  constructor(
    readonly issuer: string,
    readonly kid: string,
    /** null when it is no ES256 key: what we cannot read is never allowed. */
    readonly publicKey: PublicKey | null,
    readonly notBefore: number,
    readonly notAfter: number,
    readonly certificateNotAfter: number,
    readonly utilities: readonly string[],
    readonly role: string,
    readonly revoked: boolean,
  ) {}

  maySign(issuedAt: number, expiresAt: number): boolean {
    if (this.revoked || !this.publicKey) return false;
    return this.notBefore <= issuedAt && issuedAt <= this.notAfter && expiresAt <= this.certificateNotAfter;
  }

  serves(utility: string): boolean {
    return this.utilities.includes(utility) || this.utilities.includes("*");
  }
}

/** What a bundle says, verified. Times in seconds. */
export interface BundleContent {
  iss: string;
  iat: number;
  exp: number;
  nextUpdate: number;
  seq: number;
  prev: string | null;
  issuers: ReadonlyMap<string, Names>;
  /** By `keyName`. */
  keys: ReadonlyMap<string, TrustedKey>;
  /** By `typeName`. */
  types: ReadonlyMap<string, TrustedType>;
  statusTokens: readonly string[];
}

/** What a verifier believes. */
export interface TrustedBundle extends BundleContent {
  /** The compact JWS it was taken from: what is kept, and what the next one's `prev` is held against. */
  token: string;
  status: readonly StatusCopy[];
  /** Status lists of bundles before it, of which it has an older copy or none: to be kept beside it. */
  carried: readonly string[];
}

export const keyName = (issuer: string, kid: string): string => `${kid} ${issuer}`;
export const typeName = (code: string, version: number): string => `${version} ${code}`;

/** Returns the same trust with more copies of status lists (JWTs), from wherever they came; what is no copy is left. */
export async function holding(bundle: TrustedBundle, tokens: Iterable<string>): Promise<TrustedBundle> {
  const status = [...bundle.status];
  for (const token of tokens) status.push(...(await copiesOf(token, bundle.keys.values())));
  return { ...bundle, status };
}

/** Returns the content of a bundle's payload; malformed as docs/wire.md, section 4, has it not. */
export function readContent(payload: JsonObject): BundleContent {
  const issuers = new Map<string, Names>();
  const keys = new Map<string, TrustedKey>();
  const types = new Map<string, TrustedType>();
  const prev = payload.has("prev") ? text(payload, "prev") : null;
  for (const issuer of objects(payload, "issuers")) {
    const code = text(issuer, "code");
    if (issuers.has(code)) throw new Malformed("an issuer stands there twice");
    issuers.set(code, names(issuer, "name"));
    for (const item of objects(issuer, "keys")) {
      const key = readKey(code, item);
      if (keys.has(keyName(code, key.kid))) throw new Malformed("a key stands there twice");
      keys.set(keyName(code, key.kid), key);
    }
  }
  const statusTokens = objects(payload, "status_lists").map((item) => {
    text(item, "uri"); // each token names its own
    return text(item, "token");
  });
  for (const item of objects(payload, "types")) {
    const type = readType(item);
    types.set(typeName(type.code, type.version), type);
  }
  return {
    iss: text(payload, "iss"),
    iat: moment(payload, "iat"),
    exp: moment(payload, "exp"),
    nextUpdate: moment(payload, "next_update"),
    seq: uint(payload, "seq"),
    prev,
    issuers,
    keys,
    types,
    statusTokens,
  };
}

/** Returns the bytes of one member of x5c. */
export function certificateOf(value: Json | undefined): Uint8Array {
  if (typeof value !== "string" || value.length > MAX_CERTIFICATE_CHARACTERS) throw new Malformed("no certificate");
  return decodeBase64(value);
}

function readKey(issuer: string, item: JsonObject): TrustedKey {
  const chain = item.get("x5c");
  if (!Array.isArray(chain) || !chain.length) throw new Malformed("a key without its certificate");
  const [der] = chain.map(certificateOf);
  const kid = text(item, "kid");
  const notBefore = moment(item, "not_before");
  const notAfter = moment(item, "not_after");
  const utilities = texts(item, "utilities");
  const roles = texts(item, "roles");
  const state = text(item, "state");
  const alg = item.has("alg") ? text(item, "alg") : "ES256";
  if (kid !== hex(sha256(der!).subarray(0, KID_BYTES))) throw new Malformed("a kid that is not its certificate's");
  if (roles.length !== 1 || !ROLES.includes(roles[0]!) || !STATES.includes(state)) {
    throw new Malformed("a key has one role and one state");
  }
  let publicKey: PublicKey | null = null;
  let certificateNotAfter = 0;
  try {
    const certificate = readCertificate(der!);
    certificateNotAfter = certificate.notAfter;
    if (alg === "ES256") publicKey = certificate.publicKey;
  } catch (error) {
    // the bundle may hold what only others can read; it is not less true for the rest
    if (!(error instanceof Malformed)) throw error;
  }
  const revoked = state === "revoked";
  return new TrustedKey(
    issuer, kid, publicKey, notBefore, notAfter, certificateNotAfter, utilities, roles[0]!, revoked,
  );
}

function readType(item: JsonObject): TrustedType {
  const claims = new Map<number, TrustedClaim>();
  for (const claim of objects(item, "claims")) {
    claims.set(uint(claim, "n"), { name: text(claim, "name"), label: names(claim, "label"), kind: text(claim, "kind") });
  }
  return { code: text(item, "code"), version: uint(item, "version"), title: names(item, "title"), claims };
}

function objects(item: JsonObject, name: string): JsonObject[] {
  const found = item.get(name);
  if (!Array.isArray(found)) throw new Malformed(`${name} is missing or of another type`);
  return found.map((member) => {
    if (!(member instanceof Map)) throw new Malformed(`${name} is of another type`);
    return member;
  });
}

function texts(item: JsonObject, name: string): string[] {
  const found = item.get(name);
  if (!Array.isArray(found)) throw new Malformed(`${name} is missing or of another type`);
  return found.map((member) => asText(member, name));
}

function text(item: JsonObject, name: string): string {
  return asText(item.get(name), name);
}

function asText(value: Json | undefined, name: string): string {
  if (!isText(value)) throw new Malformed(`${name} is missing or of another type`);
  return value;
}

function names(item: JsonObject, name: string): Names {
  const found = item.get(name);
  if (!(found instanceof Map)) throw new Malformed(`${name} is missing or of another type`);
  return { vi: text(found, "vi"), en: text(found, "en") };
}

function uint(item: JsonObject, name: string): number {
  const found = item.get(name);
  if (typeof found !== "number" || !(found >= 0)) throw new Malformed(`${name} is missing or of another type`);
  return found;
}

/** Returns a time; beyond the calendar it is the calendar's end: no code outlives that either. */
function moment(item: JsonObject, name: string): number {
  return Math.min(uint(item, name), LAST_SECOND);
}
