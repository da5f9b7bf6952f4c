// Base45: bytes as text for the alphanumeric mode of a QR code. Source: RFC 9285.
import { Malformed } from "./errors";

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

/** Returns the bytes of a Base45 text; anything but one whole encoding is malformed. Source: RFC 9285, 4 and 6. */
export function decodeBase45(text: string): Uint8Array {
  const rest = text.length % 3;
  if (rest === 1) throw new Malformed("not a length of Base45");
  const data = new Uint8Array(((text.length - rest) / 3) * 2 + (rest ? 1 : 0));
  let at = 0;
  for (let place = 0; place < text.length; place += 3) {
    const whole = place + 2 < text.length;
    const value =
      digit(text, place) + 45 * digit(text, place + 1) + (whole ? 2025 * digit(text, place + 2) : 0);
    if (value > (whole ? 0xffff : 0xff)) throw new Malformed("a Base45 group above its bytes");
    if (whole) data[at++] = value >> 8;
    data[at++] = value & 0xff;
  }
  return data;
}

function digit(text: string, place: number): number {
  const found = ALPHABET.indexOf(text.charAt(place));
  if (found < 0) throw new Malformed("not Base45");
  return found;
}

/** Returns `data` as Base45. Source: RFC 9285, section 4. */
export function encodeBase45(data: Uint8Array): string {
  let text = "";
  for (let at = 0; at < data.length; at += 2) {
    const pair = at + 1 < data.length;
    let value = pair ? (data[at]! << 8) | data[at + 1]! : data[at]!;
    for (let left = pair ? 3 : 2; left > 0; left--) {
      text += ALPHABET.charAt(value % 45);
      value = Math.floor(value / 45);
    }
  }
  return text;
}
