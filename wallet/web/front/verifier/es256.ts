// ES256: public keys on P-256, and whether a signature holds. Source: RFC 7518, section 3.4; RFC 9053, section 2.1.
//
// WebCrypto does it where it is there (Node, and pages from a secure place); elsewhere @noble/curves, slower by far.
import { ecdsa, weierstrass } from "@noble/curves/abstract/weierstrass.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { joined, sameBytes } from "./bytes";
import { Malformed, VerificationFailed } from "./errors";

export { sha256 };

const SIGNATURE_BYTES = 64;
const COORDINATE_BYTES = 32;
const WEB_CRYPTO = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** P-256. Source: FIPS 186-5; SP 800-186, section 3.2.1.3. */
const Point = weierstrass({
  p: BigInt("0xffffffff00000001000000000000000000000000ffffffffffffffffffffffff"),
  n: BigInt("0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"),
  h: BigInt(1),
  a: BigInt("0xffffffff00000001000000000000000000000000fffffffffffffffffffffffc"),
  b: BigInt("0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b"),
  Gx: BigInt("0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"),
  Gy: BigInt("0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"),
});
const curve = ecdsa(Point, sha256, { lowS: false });

/** A public key on P-256. */
export class PublicKey {
  private imported: Promise<CryptoKey | null> | undefined;

  private constructor(
    /** The point, uncompressed: 4, x, y. */
    readonly point: Uint8Array,
  ) {}

  /** Returns the key of an encoded point; malformed when it is not on the curve. Source: SEC 1, section 2.3.4. */
  static ofPoint(encoded: Uint8Array): PublicKey {
    try {
      const point = Point.fromBytes(encoded);
      point.assertValidity();
      return new PublicKey(point.toBytes(false));
    } catch {
      throw new Malformed("not a point on P-256");
    }
  }

  static ofCoordinates(x: Uint8Array, y: Uint8Array): PublicKey {
    return PublicKey.ofPoint(joined(Uint8Array.of(4), x, y));
  }

  hasCoordinates(x: Uint8Array, y: Uint8Array): boolean {
    return (
      sameBytes(this.point.subarray(1, 1 + COORDINATE_BYTES), x) &&
      sameBytes(this.point.subarray(1 + COORDINATE_BYTES), y)
    );
  }

  /** Returns if `signature`, raw, is this key's over `message`; else refuses it as `bad_signature`. */
  async verify(message: Uint8Array, signature: Uint8Array): Promise<void> {
    if (signature.length !== SIGNATURE_BYTES) throw new VerificationFailed("bad_signature", "not 64 bytes");
    const key = await (this.imported ??= imported(this.point));
    const holds = key
      ? await crypto.subtle.verify(WEB_CRYPTO, key, exact(signature), exact(message))
      : holdsByCurve(signature, message, this.point);
    if (!holds) throw new VerificationFailed("bad_signature");
  }
}

/** Returns the key as WebCrypto has it, null where there is no WebCrypto or it will not have it. */
async function imported(point: Uint8Array): Promise<CryptoKey | null> {
  try {
    return await crypto.subtle.importKey("raw", exact(point), WEB_CRYPTO, false, ["verify"]);
  } catch {
    return null;
  }
}

/** Returns whether the signature holds, by @noble/curves. High and low s alike. */
export function holdsByCurve(signature: Uint8Array, message: Uint8Array, point: Uint8Array): boolean {
  try {
    return curve.verify(signature, message, point, { lowS: false, prehash: true });
  } catch {
    return false;
  }
}

function exact(data: Uint8Array): Uint8Array<ArrayBuffer> {
  return data as Uint8Array<ArrayBuffer>; // nothing here is ever on shared memory
}
