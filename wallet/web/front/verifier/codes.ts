// The three texts of docs/wire.md, sections 1 and 2: `VD1:`, `VL1:`, `VG1:`. Steps 1 and 2 of verifying.
import { decodeBase45, encodeBase45 } from "./base45";
import { joined, utf8 } from "./bytes";
import { MAX_CODE_BYTES, type Value } from "./cbor";
import { type ClaimsSet, isBytes, isUint, readClaimsSet } from "./claims";
import { parseSign1, type Sign1 } from "./cose";
import { Malformed } from "./errors";
import { inflate } from "./inflate";

export const DOCUMENT_PREFIX = "VD1:";
export const LIVE_PREFIX = "VL1:";
export const CHALLENGE_PREFIX = "VG1:";
export const MAX_TEXT_CHARACTERS = 4_296;

const DOCUMENT_TYP = "viso-doc+cwt";
const LIVE_TYP = "viso-live+cwt";
const CARD_TYP = "viso-card+cwt";
const MAX_LIVE_SECONDS = 60;
const MAX_CARD_SECONDS = 7 * 86_400;
const COORDINATE_BYTES = 32;
const NONCE_BYTES = 8;
const [GATE, EXPIRES_AT, ISSUED_AT, CONFIRMATION, NONCE, INNER] = [3, 4, 6, 8, 10, -70010] as const;
const [COSE_KEY, KTY, CRV, X, Y] = [1, 1, -1, -2, -3] as const;
const [EC2, P256] = [2, 1] as const;

/** A document code as it was read: nothing in it is true yet. */
export interface DocumentCode {
  signed: Sign1;
  content: ClaimsSet;
}

/** A live code as it was read, both layers; nothing in it is true yet. */
export interface LiveCode extends DocumentCode {
  outer: Sign1;
  issuedAt: number;
  expiresAt: number;
  gateId: string | null;
  nonce: Uint8Array | null;
  device: { x: Uint8Array; y: Uint8Array };
}

export function parseDocumentCode(text: string): DocumentCode {
  const signed = parseSign1(inflate(decodeBase45(text.slice(DOCUMENT_PREFIX.length)), MAX_CODE_BYTES), DOCUMENT_TYP);
  return { signed, content: readClaimsSet(signed.content, false) };
}

export function parseLiveCode(text: string): LiveCode {
  const outer = parseSign1(decodeBase45(text.slice(LIVE_PREFIX.length)), LIVE_TYP, false);
  const issuedAt = outer.content.get(ISSUED_AT);
  const expiresAt = outer.content.get(EXPIRES_AT);
  const card = outer.content.get(INNER);
  const gateId = outer.content.get(GATE) ?? null;
  const nonce = outer.content.get(NONCE) ?? null;
  if (!isUint(issuedAt) || !isUint(expiresAt) || !(card instanceof Uint8Array)) throw new Malformed("the outer layer");
  // text that is no gate id is another gate's: step 7
  if (gateId !== null && typeof gateId !== "string") throw new Malformed("the gate is of another type");
  if (nonce !== null && !isBytes(nonce, NONCE_BYTES)) throw new Malformed("not a gate's nonce");
  const signed = parseSign1(card, CARD_TYP);
  if (!(issuedAt < expiresAt && expiresAt <= issuedAt + MAX_LIVE_SECONDS)) throw new Malformed("60 seconds at most");
  const content = readClaimsSet(signed.content, true);
  if (content.expiresAt - content.issuedAt > MAX_CARD_SECONDS) throw new Malformed("a card lives 7 days at most");
  const device = readDevice(signed.content.get(CONFIRMATION));
  return { outer, issuedAt, expiresAt, gateId, nonce, signed, content, device };
}

/** Returns the key a card is bound to. Source: RFC 8747, sections 3.1 and 3.2. */
function readDevice(confirmation: Value | undefined): LiveCode["device"] {
  const key = confirmation instanceof Map ? confirmation.get(COSE_KEY) : undefined;
  if (!(key instanceof Map)) throw new Malformed("no device key");
  const x = key.get(X);
  const y = key.get(Y);
  if (key.get(KTY) !== EC2 || key.get(CRV) !== P256) throw new Malformed("not a key on P-256");
  if (!isBytes(x, COORDINATE_BYTES) || !isBytes(y, COORDINATE_BYTES)) throw new Malformed("not a point");
  return { x, y };
}

/** Returns the text that a gate shows: plain CBOR in Base45. nonce: 8 random bytes, used once. */
export function encodeGateChallenge(gateId: string, nonce?: Uint8Array): string {
  if (!/^[A-Z0-9-]{1,16}$/.test(gateId)) throw new Malformed("not a gate id");
  if (nonce && nonce.length !== NONCE_BYTES) throw new Malformed("not a gate's nonce");
  const named = joined(Uint8Array.of(nonce ? 0xa2 : 0xa1, GATE, 0x60 | gateId.length), utf8(gateId));
  return CHALLENGE_PREFIX + encodeBase45(nonce ? joined(named, Uint8Array.of(NONCE, 0x40 | NONCE_BYTES), nonce) : named);
}
