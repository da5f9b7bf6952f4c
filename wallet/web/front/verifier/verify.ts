// The rules of verifying, step by step. No input, no output, no clock of its own. Source: docs/wire.md, section 3.
import {
  type Answer, type ClaimAnswer, type DocumentAnswer, readableValue, rfc3339, SAMPLE_MARK, STEP_NAMES,
} from "./answer";
import { hex } from "./bytes";
import type { ClaimsSet } from "./claims";
import {
  DOCUMENT_PREFIX, LIVE_PREFIX, type LiveCode, MAX_TEXT_CHARACTERS, parseDocumentCode, parseLiveCode,
} from "./codes";
import { ES256, verifySign1 } from "./cose";
import { Malformed, VerificationFailed } from "./errors";
import { PublicKey, sha256 } from "./es256";
import { isWrongGate, type Policy, refuses } from "./policy";
import { gravest, inOrder } from "./reasons";
import type { Replay } from "./replay";
import { checkStatus } from "./status";
import { keyName, type TrustedBundle, type TrustedKey, typeName } from "./trust";

const DATES_LEEWAY_SECONDS = 60;
const LIVE_LEEWAY_SECONDS = 30;
const WHITE_SPACE = " \t\r\n\f\v";

/**
 * Returns what is to be thought of a code, whatever `text` holds.
 *
 * 1. Prefix and caps: `not_a_code`, `malformed`.
 * 2. Base45, inflate within the cap, strict CBOR, `typ`, shape: `malformed`, `wrong_type`.
 * 3. The signer's key is trusted, for this issuer, this utility and this moment: `trust_stale`, `unknown_issuer`,
 *    `key_not_allowed`.
 * 4. Signature of document or card: `bad_signature`.
 * 5. Dates: `not_yet_valid`, `expired`.
 * 6. Status list: present, fresh, signed, index in range, value: `revoked`, `suspended`, `status_unknown`,
 *    `status_stale`.
 * 7. Live codes: device signature, age, gate, seen before: `device_mismatch`, `live_too_old`, `live_from_future`,
 *    `wrong_gate`, `live_replayed`.
 * 8. This verifier's own policy: `policy_refused`.
 *
 * A failure in 1 to 4, or of the device signature, ends the check; every other one is noted and the check goes on.
 * now: seconds. replay: the memory of this gate; without it no live code is known to have been seen.
 * Throws nothing on hostile input; what `replay` throws goes on to the caller.
 */
export async function judge(
  text: string,
  bundle: TrustedBundle,
  policy: Policy,
  now: number,
  replay?: Replay | null,
): Promise<Answer> {
  const check = new Check(bundle, policy, now, replay ?? null);
  const document = await check.judge(text);
  return check.answer(document);
}

/** One pass over one code: what was found so far. */
class Check {
  private readonly reasons: string[] = [];
  private readonly checked: Answer["checked"] = [];
  private holder: Answer["holder_binding"] = "none";
  private statusAge: number | null = null;

  constructor(
    private readonly bundle: TrustedBundle,
    private readonly policy: Policy,
    private readonly now: number,
    private readonly replay: Replay | null,
  ) {}

  async judge(given: string): Promise<DocumentAnswer | undefined> {
    // 1 prefix and caps
    this.step(1);
    const text = stripped(given);
    const isLive = text.startsWith(LIVE_PREFIX);
    if (!isLive && !text.startsWith(DOCUMENT_PREFIX)) return this.ended("not_a_code");
    if (text.length > MAX_TEXT_CHARACTERS) return this.ended("malformed");

    // 2 Base45, inflate within cap, strict CBOR, typ, shape
    this.step(2);
    let live: LiveCode | null = null;
    let code;
    try {
      code = isLive ? (live = parseLiveCode(text)) : parseDocumentCode(text);
    } catch (error) {
      if (error instanceof Malformed || error instanceof VerificationFailed) return this.ended(error.reason);
      throw error;
    }
    const { signed, content } = code;

    // 3 the signer's key is on the trust bundle, for this issuer, this utility, and this moment
    this.step(3);
    if (this.now >= this.bundle.exp || this.bundle.iat > this.now + DATES_LEEWAY_SECONDS) {
      this.reasons.push("trust_stale");
    }
    const key = this.bundle.keys.get(keyName(content.issuer, hex(signed.kid!)));
    if (!key) return this.ended("unknown_issuer");
    if (!key.publicKey || !maySign(key, content, isLive) || signed.alg !== ES256) return this.ended("key_not_allowed");

    // 4 signature of document or card
    this.step(4);
    if (!(await holds(verifySign1(signed, key.publicKey)))) return this.ended("bad_signature");
    const document = this.document(content);

    // 5 not before / expired
    this.step(5);
    if (content.issuedAt > this.now + DATES_LEEWAY_SECONDS) this.reasons.push("not_yet_valid");
    if (this.now >= content.expiresAt + DATES_LEEWAY_SECONDS) this.reasons.push("expired");

    // 6 status list
    if (content.status || content.otherStatus) {
      this.step(6);
      const [found, age] = checkStatus(this.bundle.status, content.issuer, content.status, this.now);
      this.reasons.push(...found);
      this.statusAge = age;
    }

    // 7 live: device signature; age; gate and nonce; not seen before at this gate
    if (live) {
      this.step(7);
      if (!(await this.deviceHolds(live, key))) {
        this.reasons.push("device_mismatch");
        return document;
      }
      await this.checkLive(live);
    }

    // 8 the verifier's own policy
    this.step(8);
    const names = document.claims.map((claim) => claim.name);
    if (refuses(this.policy, content.recipient, content.utility, names)) this.reasons.push("policy_refused");
    return document;
  }

  answer(document: DocumentAnswer | undefined): Answer {
    const reasons = inOrder(this.reasons);
    const verdict = gravest(reasons);
    return {
      verdict,
      reasons,
      accepted: verdict === "valid" && !reasons.includes("policy_refused"),
      checked: this.checked,
      holder_binding: this.holder,
      checked_at: rfc3339(this.now),
      bundle_age_seconds: Math.floor(this.now) - this.bundle.iat,
      sample_mark: SAMPLE_MARK,
      ...(this.statusAge === null ? {} : { status_age_seconds: this.statusAge }),
      ...(document ? { document } : {}),
    };
  }

  private step(step: number): void {
    this.checked.push(STEP_NAMES[step - 1]!);
  }

  private ended(reason: string): undefined {
    this.reasons.push(reason);
  }

  /** Step 7, first half: the outer layer is by the key in `cnf`; a `live` key signs both and is that key. */
  private async deviceHolds(code: LiveCode, key: TrustedKey): Promise<boolean> {
    const { x, y } = code.device;
    if (key.role === "live" && !key.publicKey!.hasCoordinates(x, y)) return false;
    let device;
    try {
      device = key.role === "live" ? key.publicKey! : PublicKey.ofCoordinates(x, y);
    } catch {
      return false; // not on the curve
    }
    if (!(await holds(verifySign1(code.outer, device)))) return false;
    this.holder = key.role === "live" ? "server" : "device";
    return true;
  }

  /** Step 7, second half: age, gate, nonce, and last, unless the code is already invalid, whether it was seen. */
  private async checkLive(code: LiveCode): Promise<void> {
    const until = code.expiresAt + LIVE_LEEWAY_SECONDS;
    if (this.now > until) this.reasons.push("live_too_old");
    if (code.issuedAt > this.now + LIVE_LEEWAY_SECONDS) this.reasons.push("live_from_future");
    if (isWrongGate(this.policy, code.gateId, code.nonce)) this.reasons.push("wrong_gate");
    if (!this.replay || gravest(this.reasons) === "invalid") return;
    const digest = sha256(code.outer.payload);
    const isNew = await this.replay.remember(this.policy.gateId ?? "", digest, until, this.now);
    if (!isNew) this.reasons.push("live_replayed");
  }

  /** Returns what was signed, with the names that the trust bundle has for it. */
  private document(content: ClaimsSet): DocumentAnswer {
    const known = this.bundle.types.get(typeName(content.utility, content.utilityVersion));
    const claims: ClaimAnswer[] = [...content.claims].map(([n, value]) => {
      const entry = known?.claims.get(n);
      return {
        n,
        ...(entry ? { name: entry.name, label: entry.label } : {}),
        ...readableValue(entry?.kind, value),
      };
    });
    return {
      id: `doc_${hex(content.documentId)}`,
      issuer: { code: content.issuer, name: this.bundle.issuers.get(content.issuer)! },
      utility: {
        code: content.utility,
        version: content.utilityVersion,
        ...(known ? { title: known.title } : {}),
      },
      issued_at: rfc3339(content.issuedAt),
      expires_at: rfc3339(content.expiresAt),
      claims,
      ...(content.recipient === null ? {} : { recipient: content.recipient }),
    };
  }
}

/** Returns the text without white space around it: that of ASCII, no other. */
function stripped(text: string): string {
  let begin = 0;
  let end = text.length;
  while (begin < end && WHITE_SPACE.includes(text.charAt(begin))) begin++;
  while (end > begin && WHITE_SPACE.includes(text.charAt(end - 1))) end--;
  return text.slice(begin, end);
}

function maySign(key: TrustedKey, content: ClaimsSet, isLive: boolean): boolean {
  const fits = isLive ? key.role === "card" || key.role === "live" : key.role === "doc";
  return fits && key.serves(content.utility) && key.maySign(content.issuedAt, content.expiresAt);
}

/** Returns whether a verification goes through; only a refusal of ours says that it does not. */
async function holds(verification: Promise<void>): Promise<boolean> {
  try {
    await verification;
    return true;
  } catch (error) {
    if (error instanceof VerificationFailed) return false;
    throw error;
  }
}
