// What a verifier needs of a certificate: its end and its key. No path is ever built. Source: RFC 5280, section 4.1.
import { hex } from "./bytes";
import { PublicKey } from "./es256";
import { Malformed } from "./errors";

const MAX_CERTIFICATE_BYTES = 16_384;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OBJECT_ID = 0x06;
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;
const SEQUENCE = 0x30;
const VERSION = 0xa0;
const EC_PUBLIC_KEY = "2a8648ce3d0201";
const P256 = "2a8648ce3d030107";

export interface Certificate {
  /** Seconds since 1970-01-01 UTC. */
  notAfter: number;
  /** null when the key is not on P-256: no use to an ES256 reader. */
  publicKey: PublicKey | null;
}

/** Returns what is read from a certificate; malformed when it is none. */
export function readCertificate(der: Uint8Array): Certificate {
  if (der.length > MAX_CERTIFICATE_BYTES) throw new Malformed("certificate too large");
  const outer = new Der(der);
  const certificate = outer.open(SEQUENCE);
  outer.end();
  const content = certificate.open(SEQUENCE);
  certificate.open(SEQUENCE); // the algorithm of a signature that nobody here relies on
  certificate.open(BIT_STRING);
  certificate.end();
  if (content.is(VERSION)) content.open(VERSION);
  content.open(INTEGER); // serial number
  content.open(SEQUENCE); // algorithm
  content.open(SEQUENCE); // issuer
  const validity = content.open(SEQUENCE);
  readTime(validity);
  const notAfter = readTime(validity);
  validity.end();
  content.open(SEQUENCE); // subject
  return { notAfter, publicKey: readKey(content.open(SEQUENCE)) };
}

function readKey(info: Der): PublicKey | null {
  const algorithm = info.open(SEQUENCE);
  const bits = info.open(BIT_STRING).rest();
  info.end();
  if (hex(algorithm.open(OBJECT_ID).rest()) !== EC_PUBLIC_KEY || !algorithm.is(OBJECT_ID)) return null;
  if (hex(algorithm.open(OBJECT_ID).rest()) !== P256 || bits[0] !== 0) return null;
  try {
    return PublicKey.ofPoint(bits.subarray(1));
  } catch {
    return null; // a point we cannot use is a key we cannot use, not a broken certificate
  }
}

/** Returns seconds. Source: RFC 5280, section 4.1.2.5: always seconds, always Z. */
function readTime(validity: Der): number {
  const short = validity.is(UTC_TIME);
  const text = String.fromCharCode(...validity.open(short ? UTC_TIME : GENERALIZED_TIME).rest());
  const found = (short ? /^(..)(..)(..)(..)(..)(..)Z$/ : /^(....)(..)(..)(..)(..)(..)Z$/).exec(text);
  if (!found || /[^0-9Z]/.test(text)) throw new Malformed("a time that is none");
  const [year, month, day, hour, minute, second] = found.slice(1).map(Number) as [number, number, number, number, number, number];
  const moment = new Date(0);
  moment.setUTCFullYear(short ? year + (year < 50 ? 2000 : 1900) : year, month - 1, day);
  moment.setUTCHours(hour, minute, second);
  if (moment.getUTCMonth() !== month - 1 || moment.getUTCDate() !== day || hour > 23 || minute > 59 || second > 59) {
    throw new Malformed("a time beyond the calendar");
  }
  return moment.getTime() / 1000;
}

/** A run of DER elements. Source: X.690, sections 8.1 and 10.1. */
class Der {
  private at = 0;

  constructor(private readonly data: Uint8Array) {}

  is(tag: number): boolean {
    return this.data[this.at] === tag;
  }

  /** Returns the content of the next element, which must have this tag. */
  open(tag: number): Der {
    if (!this.is(tag)) throw new Malformed("not a certificate");
    let length = this.data[this.at + 1] ?? 0x80;
    let begin = this.at + 2;
    if (length >= 0x80) {
      const size = length & 0x7f;
      if (size < 1 || size > 2 || begin + size > this.data.length) throw new Malformed("not a certificate");
      length = size === 1 ? this.data[begin]! : (this.data[begin]! << 8) | this.data[begin + 1]!;
      if (length < (size === 1 ? 0x80 : 0x100)) throw new Malformed("not a certificate");
      begin += size;
    }
    if (begin + length > this.data.length) throw new Malformed("not a certificate");
    this.at = begin + length;
    return new Der(this.data.subarray(begin, this.at));
  }

  rest(): Uint8Array {
    return this.data.subarray(this.at);
  }

  end(): void {
    if (this.at !== this.data.length) throw new Malformed("bytes after a certificate");
  }
}
