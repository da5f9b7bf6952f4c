// Bytes and text, strictly: nothing is repaired, nothing is dropped.
import { Malformed } from "./errors";

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const ENCODER = new TextEncoder();
const BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const BASE64 = BASE64URL.slice(0, 62) + "+/";
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Returns the text that these bytes are in UTF-8; anything else is malformed. */
export function textOf(data: Uint8Array): string {
  try {
    return UTF8.decode(data);
  } catch {
    throw new Malformed("not UTF-8");
  }
}

export function utf8(text: string): Uint8Array {
  return ENCODER.encode(text);
}

export function hex(data: Uint8Array): string {
  let found = "";
  for (const byte of data) found += HEX[byte];
  return found;
}

export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, place) => byte === other[place]);
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Returns whether a text could be written as UTF-8: JSON can spell a lone surrogate, nothing else can carry it on. */
export function isText(value: unknown): value is string {
  return typeof value === "string" && !/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?:^|[^\uD800-\uDBFF])[\uDC00-\uDFFF]/.test(value);
}

/** Returns the bytes of a base64url text: no padding, no other character, no stray bits. Source: RFC 7515, 2. */
export function decodeBase64url(text: string): Uint8Array {
  const [data, stray] = decoded(text, DIGITS_URL);
  if (stray) throw new Malformed("not base64url");
  return data;
}

/** Returns the bytes of one member of x5c: base64 with its padding. Source: RFC 7515, section 4.1.6. */
export function decodeBase64(text: string): Uint8Array {
  if (text.length % 4) throw new Malformed("not base64");
  return decoded(text.replace(/={1,2}$/, ""), DIGITS)[0];
}

export function encodeBase64url(data: Uint8Array): string {
  let text = "";
  for (let at = 0; at < data.length; at += 3) {
    const group = (data[at]! << 16) | ((data[at + 1] ?? 0) << 8) | (data[at + 2] ?? 0);
    const digits = Math.min(data.length - at, 3) + 1;
    for (let place = 0; place < digits; place++) text += BASE64URL.charAt((group >> (18 - 6 * place)) & 63);
  }
  return text;
}

const DIGITS = digitsOf(BASE64);
const DIGITS_URL = digitsOf(BASE64URL);

function digitsOf(alphabet: string): Uint8Array {
  const digits = new Uint8Array(128).fill(255);
  for (let digit = 0; digit < 64; digit++) digits[alphabet.charCodeAt(digit)] = digit;
  return digits;
}

/** Returns the bytes, and the bits that were left over. */
function decoded(text: string, digits: Uint8Array): [Uint8Array, number] {
  if (text.length % 4 === 1) throw new Malformed("not a length of base64");
  const data = new Uint8Array((text.length * 3) >> 2);
  let group = 0;
  let bits = 0;
  let at = 0;
  for (let place = 0; place < text.length; place++) {
    const digit = digits[text.charCodeAt(place)] ?? 255;
    if (digit === 255) throw new Malformed("not base64");
    group = ((group << 6) | digit) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      data[at++] = (group >> bits) & 255;
    }
  }
  return [data, group & ((1 << bits) - 1)];
}
