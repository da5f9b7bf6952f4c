/** The photo that the server sends, held against the hash that the issuer signed.
 *
 * Source: the claim `portrait_hash` of wallet/utilities/identity: SHA-256 of its bytes, base64url without padding.
 */

import type { Answer } from "../verifier";
import { decodeBase64, encodeBase64url } from "../verifier/bytes";
import { claim } from "./outcome";

export interface Portrait {
  media_type: string;
  /** Base64. */
  content: string;
}

export interface Photo {
  /** A `data:` address of the very bytes that were hashed. */
  source: string;
  /** False where the code had no room for the hash: it is the server's word alone. */
  isSigned: boolean;
}

/** What may stand before the bytes: anything longer could bring bytes of its own into the address. */
const MEDIA_TYPE = /^image\/[a-z+]+$/;

/** Return what may be shown of a portrait, undefined for one that is not the one that was signed. found: read offline. */
export async function photoOf({ media_type: type, content }: Portrait, found: Answer): Promise<Photo | undefined> {
  if (!MEDIA_TYPE.test(type)) return undefined;
  const signed = claim(found, "portrait_hash");
  try {
    const digest = await crypto.subtle.digest("SHA-256", new Uint8Array(decodeBase64(content)));
    if (signed !== undefined && signed !== encodeBase64url(new Uint8Array(digest))) return undefined;
    return { source: `data:${type};base64,${content}`, isSigned: signed !== undefined };
  } catch {
    return undefined; // not base64
  }
}
