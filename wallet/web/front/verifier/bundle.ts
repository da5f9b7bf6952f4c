// Taking a trust bundle. Source: docs/wire.md, section 4. Where the last one is kept is the page's affair.
import { encodeBase64url, hex, utf8 } from "./bytes";
import { readCertificate } from "./certificates";
import { BundleRefused, Malformed, VerificationFailed } from "./errors";
import { sha256 } from "./es256";
import { parseJws, verifyJws } from "./jws";
import { outliving } from "./status";
import { type BundleContent, certificateOf, holding, readContent, type TrustedBundle } from "./trust";

const TYP = "viso-bundle+jwt";
const MAX_BUNDLE_CHARACTERS = 32 * 1024 * 1024;
const FUTURE_SECONDS = 60;

/**
 * Returns the bundle with every key, type and status list in it parsed once.
 *
 * pins: lower-case hex SHA-256 over the root's certificate, got by another way than the bundle. now: seconds. held:
 * the bundle that this one would replace; its status lists stay where they are later than those of this one. Throws
 * BundleRefused; what is held then stays.
 */
export async function takeBundle(
  token: string,
  pins: readonly string[],
  now: number,
  held?: TrustedBundle | null,
): Promise<TrustedBundle> {
  const content = await verified(token, pins);
  if (content.iat > now + FUTURE_SECONDS) throw new BundleRefused("not_yet_valid", "issued in the future");
  if (held) {
    if (content.seq <= held.seq) throw new BundleRefused("seq_not_higher", `${content.seq} after ${held.seq}`);
    if (content.seq === held.seq + 1 && content.prev !== bundleDigest(held.token)) {
      throw new BundleRefused("prev_differs", "it does not follow the bundle held");
    }
  }
  const taken = await trusted(token, content);
  return held ? carrying(taken, outliving(held.status, taken.status, now)) : taken;
}

/**
 * Returns a bundle taken before: pin and signature are checked again, its age is the affair of `judge`.
 *
 * carried: what it had carried from bundles before it; what its keys did not sign is left out.
 */
export async function keptBundle(
  token: string,
  pins: readonly string[],
  carried: readonly string[] = [],
): Promise<TrustedBundle> {
  return carrying(await trusted(token, await verified(token, pins)), carried);
}

/** Returns what the next bundle says as `prev`: base64url SHA-256 over the compact JWS as ASCII. */
export function bundleDigest(token: string): string {
  return encodeBase64url(sha256(utf8(token)));
}

async function trusted(token: string, content: BundleContent): Promise<TrustedBundle> {
  return holding({ ...content, token, status: [], carried: [] }, content.statusTokens);
}

async function carrying(own: TrustedBundle, tokens: readonly string[]): Promise<TrustedBundle> {
  const more = await holding({ ...own, status: [] }, tokens);
  const carried = [...new Set(more.status.map(({ token }) => token))];
  return { ...own, status: [...own.status, ...more.status], carried };
}

async function verified(token: string, pins: readonly string[]): Promise<BundleContent> {
  try {
    const signed = parseJws(token, TYP, MAX_BUNDLE_CHARACTERS);
    const chain = signed.header.get("x5c");
    if (!Array.isArray(chain) || chain.length !== 1) throw new Malformed("x5c is not the root's certificate alone");
    const root = certificateOf(chain[0]);
    if (!pins.includes(hex(sha256(root)))) throw new BundleRefused("key_not_allowed", "no pin vouches for this root");
    const key = readCertificate(root).publicKey;
    if (!key) throw new BundleRefused("key_not_allowed", "the root's key is not on P-256");
    return readContent(await verifyJws(signed, key));
  } catch (error) {
    if (error instanceof Malformed || error instanceof VerificationFailed) {
      throw new BundleRefused(error.reason, error.message);
    }
    throw error;
  }
}
