// COSE_Sign1: tagged 18, nothing unprotected, the payload attached, no external data.
// Source: RFC 9052, sections 4.2 and 4.4; docs/wire.md, "Common rules".
import { joined } from "./bytes";
import { decodeCbor, type Members } from "./cbor";
import { Malformed, VerificationFailed } from "./errors";
import type { PublicKey } from "./es256";

export const ES256 = -7;

const TAG = 18;
const ALG = 1;
const CRIT = 2;
const KID = 4;
const TYP = 16;
const KID_BYTES = 8;
const CONTEXT = Uint8Array.from([0x84, 0x6a, ...[..."Signature1"].map((letter) => letter.charCodeAt(0))]);
const NO_EXTERNAL_DATA = Uint8Array.of(0x40);

/** A COSE_Sign1 as it was read: nothing in it is true yet. */
export interface Sign1 {
  protected: Uint8Array;
  payload: Uint8Array;
  signature: Uint8Array;
  alg: number;
  /** null where a device signed. */
  kid: Uint8Array | null;
  content: Members;
}

/**
 * Returns the COSE_Sign1 that `data` is, its payload decoded.
 *
 * typ: the one header 16 that is taken; another is `wrong_type`, once all the CBOR was read. kidNeeded: false for what
 * a device signs. Everything else that is not as docs/wire.md has it is malformed.
 */
export function parseSign1(data: Uint8Array, typ: string, kidNeeded = true): Sign1 {
  const parts = decodeCbor(data, TAG);
  if (!Array.isArray(parts) || parts.length !== 4) throw new Malformed("not a COSE_Sign1");
  const [head, unprotected, payload, signature] = parts;
  if (!(head instanceof Uint8Array && payload instanceof Uint8Array && signature instanceof Uint8Array)) {
    throw new Malformed("not a COSE_Sign1 with its payload");
  }
  if (!(unprotected instanceof Map) || unprotected.size) throw new Malformed("something is not protected");
  const headers = decodeCbor(head);
  const content = decodeCbor(payload);
  if (!(headers instanceof Map && content instanceof Map)) throw new Malformed("headers or payload are no map");
  const found = headers.get(TYP);
  if (typeof found !== "string") throw new Malformed("the typ is missing or of another type");
  if (found !== typ) throw new VerificationFailed("wrong_type");
  if (headers.has(CRIT)) throw new Malformed("a critical header");
  const alg = headers.get(ALG);
  if (typeof alg !== "number") throw new Malformed("the algorithm is missing or of another type");
  const kid = headers.get(KID);
  if (!kidNeeded) return { protected: head, payload, signature, alg, kid: null, content };
  if (!(kid instanceof Uint8Array) || kid.length !== KID_BYTES) throw new Malformed("the key is not named");
  return { protected: head, payload, signature, alg, kid, content };
}

/** Returns if the signature is ES256 by this key; else refuses it as `bad_signature`. Source: RFC 9052, 4.4. */
export async function verifySign1(signed: Sign1, key: PublicKey): Promise<void> {
  if (signed.alg !== ES256) throw new VerificationFailed("bad_signature", "another algorithm");
  const { protected: head, payload, signature } = signed;
  const message = joined(CONTEXT, headOf(head.length), head, NO_EXTERNAL_DATA, headOf(payload.length), payload);
  await key.verify(message, signature);
}

/** Returns the head of a byte string, the shortest. Source: RFC 8949, section 4.2.1. */
function headOf(length: number): Uint8Array {
  if (length < 24) return Uint8Array.of(0x40 | length);
  if (length < 256) return Uint8Array.of(0x58, length);
  return Uint8Array.of(0x59, length >> 8, length & 255); // MAX_CODE_BYTES needs no more
}
