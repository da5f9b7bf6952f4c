// Compact JWS, ES256 only, one `typ` at a time. Source: RFC 7515; RFC 7518, section 3.4; RFC 8725, section 3.
import { decodeBase64url, utf8 } from "./bytes";
import { Malformed, VerificationFailed } from "./errors";
import type { PublicKey } from "./es256";
import { jsonObject, type JsonObject } from "./json";

const MAX_HEADER_CHARACTERS = 32_768;

/** A compact JWS as it was read: nothing in it is true yet. */
export interface Jws {
  header: JsonObject;
  payload: Uint8Array;
  signingInput: string;
  signature: Uint8Array;
}

/** Returns the compact JWS that `token` is; another `typ` is `wrong_type`, another `alg` `key_not_allowed`. */
export function parseJws(token: string, typ: string, maxCharacters: number): Jws {
  if (token.length > maxCharacters) throw new Malformed("more JWS than is read here");
  const parts = token.split(".", 4);
  const [head, body, tail] = parts;
  if (parts.length !== 3 || head!.length > MAX_HEADER_CHARACTERS) throw new Malformed("not a compact JWS");
  const header = jsonObject(decodeBase64url(head!));
  const payload = decodeBase64url(body!);
  const signature = decodeBase64url(tail!);
  if (header.has("crit")) throw new Malformed("a critical header");
  if (typeof header.get("typ") !== "string" || typeof header.get("alg") !== "string") {
    throw new Malformed("a header is missing or of another type");
  }
  if (header.get("typ") !== typ) throw new VerificationFailed("wrong_type", "another typ");
  if (header.get("alg") !== "ES256") throw new VerificationFailed("key_not_allowed", "another algorithm");
  return { header, payload, signingInput: token.slice(0, head!.length + 1 + body!.length), signature };
}

/** Returns the payload as a JSON object if the signature is by this key. Source: RFC 7515, section 5.2. */
export async function verifyJws(signed: Jws, key: PublicKey): Promise<JsonObject> {
  await key.verify(utf8(signed.signingInput), signed.signature);
  return jsonObject(signed.payload);
}
