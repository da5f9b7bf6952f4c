// One zlib stream within a cap, refused exactly where zlib refuses it. Source: RFC 1950, section 2.2; RFC 1951.
//
// A reader of our own: libraries made for speed take what zlib does not (no checksum, incomplete codes, bytes after the
// end), and a code must not be read by one verifier and refused by another.
import { Malformed } from "./errors";

const MAX_BITS = 15;
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
const LENGTH_BASE: number[] = [];
const LENGTH_EXTRA: number[] = [];
const DISTANCE_BASE: number[] = [];
const DISTANCE_EXTRA: number[] = [];
for (let symbol = 0, base = 3; symbol < 28; symbol++) {
  const extra = symbol < 8 ? 0 : (symbol >> 2) - 1;
  LENGTH_BASE.push(base);
  LENGTH_EXTRA.push(extra);
  base += 1 << extra;
}
LENGTH_BASE.push(258);
LENGTH_EXTRA.push(0);
for (let symbol = 0, base = 1; symbol < 30; symbol++) {
  const extra = symbol < 4 ? 0 : (symbol >> 1) - 1;
  DISTANCE_BASE.push(base);
  DISTANCE_EXTRA.push(extra);
  base += 1 << extra;
}

/** A canonical Huffman code: how many symbols there are of each length, and the symbols in order. */
interface Code {
  count: Uint16Array;
  symbols: Uint16Array;
}

/** Returns what one zlib stream holds; a broken one, one beyond `maxBytes`, and bytes after it are malformed. */
export function inflate(data: Uint8Array, maxBytes: number): Uint8Array {
  if (data.length < 6) throw new Malformed("not a zlib stream");
  const method = data[0]!;
  const flags = data[1]!;
  // deflate, a window of 32 KiB at most, the check of the two bytes, no preset dictionary
  if ((method & 15) !== 8 || method >> 4 > 7 || ((method << 8) | flags) % 31 || flags & 32) {
    throw new Malformed("not a zlib stream");
  }
  const stream = new Stream(data, maxBytes);
  stream.blocks();
  const found = stream.found();
  if (stream.at + 4 !== data.length) throw new Malformed("not one whole zlib stream");
  const told = new DataView(data.buffer, data.byteOffset + stream.at, 4).getUint32(0);
  if (told !== adler32(found)) throw new Malformed("a zlib stream with another checksum");
  return found;
}

class Stream {
  at = 2;
  private held = 0;
  private bits = 0;
  private out: Uint8Array;
  private size = 0;

  constructor(
    private readonly data: Uint8Array,
    private readonly maxBytes: number,
  ) {
    this.out = new Uint8Array(Math.min(maxBytes, Math.max(data.length * 4, 1024)));
  }

  found(): Uint8Array {
    return this.out.subarray(0, this.size);
  }

  blocks(): void {
    for (let last = 0; !last; ) {
      last = this.take(1);
      const kind = this.take(2);
      if (kind === 0) this.stored();
      else if (kind === 1) this.coded(FIXED, FIXED_DISTANCES);
      else if (kind === 2) this.coded(...this.codes());
      else throw new Malformed("a block of no kind");
    }
    this.bits = 0; // what is left of the last byte belongs to no one
  }

  private take(count: number): number {
    while (this.bits < count) {
      if (this.at >= this.data.length) throw new Malformed("a zlib stream that ends too early");
      this.held |= this.data[this.at++]! << this.bits;
      this.bits += 8;
    }
    const found = this.held & ((1 << count) - 1);
    this.held >>>= count;
    this.bits -= count;
    return found;
  }

  private symbol(code: Code): number {
    let value = 0;
    let first = 0;
    let index = 0;
    for (let length = 1; length <= MAX_BITS; length++) {
      value |= this.take(1);
      const count = code.count[length]!;
      if (value - count < first) return code.symbols[index + value - first]!;
      index += count;
      first = (first + count) << 1;
      value <<= 1;
    }
    throw new Malformed("no symbol of its code");
  }

  private room(count: number): void {
    const wanted = this.size + count;
    if (wanted > this.maxBytes) throw new Malformed("inflates beyond the cap");
    if (wanted > this.out.length) {
      const larger = new Uint8Array(Math.min(this.maxBytes, Math.max(wanted, this.out.length * 2)));
      larger.set(this.found());
      this.out = larger;
    }
  }

  private stored(): void {
    this.held = 0;
    this.bits = 0;
    const length = this.take(16);
    if (this.take(16) !== (~length & 0xffff)) throw new Malformed("a stored block of no length");
    if (length > this.data.length - this.at) throw new Malformed("a zlib stream that ends too early");
    this.room(length);
    this.out.set(this.data.subarray(this.at, this.at + length), this.size);
    this.size += length;
    this.at += length;
  }

  private coded(literals: Code, distances: Code): void {
    for (;;) {
      const symbol = this.symbol(literals);
      if (symbol === 256) return;
      if (symbol < 256) {
        this.room(1);
        this.out[this.size++] = symbol;
        continue;
      }
      if (symbol > 285) throw new Malformed("no length");
      const length = LENGTH_BASE[symbol - 257]! + this.take(LENGTH_EXTRA[symbol - 257]!);
      const far = this.symbol(distances);
      if (far > 29) throw new Malformed("no distance");
      const distance = DISTANCE_BASE[far]! + this.take(DISTANCE_EXTRA[far]!);
      if (distance > this.size) throw new Malformed("a distance too far back");
      this.room(length);
      for (let left = length; left > 0; left--) {
        this.out[this.size] = this.out[this.size - distance]!;
        this.size++;
      }
    }
  }

  private codes(): [Code, Code] {
    const literals = this.take(5) + 257;
    const distances = this.take(5) + 1;
    const given = this.take(4) + 4;
    if (literals > 286 || distances > 30) throw new Malformed("too many symbols");
    const lengths = new Uint8Array(19);
    for (let place = 0; place < given; place++) lengths[ORDER[place]!] = this.take(3);
    const code = codeOf(lengths, false);
    const all = new Uint8Array(literals + distances);
    for (let place = 0; place < all.length; ) {
      const symbol = this.symbol(code);
      if (symbol < 16) {
        all[place++] = symbol;
        continue;
      }
      if (symbol === 16 && place === 0) throw new Malformed("no length to repeat");
      const repeated = symbol === 16 ? all[place - 1]! : 0;
      const times = symbol === 16 ? 3 + this.take(2) : symbol === 17 ? 3 + this.take(3) : 11 + this.take(7);
      if (place + times > all.length) throw new Malformed("too many lengths");
      all.fill(repeated, place, place + times);
      place += times;
    }
    if (!all[256]) throw new Malformed("a block without an end");
    return [codeOf(all.subarray(0, literals), true), codeOf(all.subarray(literals), true)];
  }
}

/** Returns the code of these lengths; `single`: one code of one bit may stand alone, though half of it is unused. */
function codeOf(lengths: Uint8Array, single: boolean): Code {
  const count = new Uint16Array(MAX_BITS + 1);
  for (const length of lengths) count[length]!++;
  const used = lengths.length - count[0]!;
  let left = 1;
  for (let length = 1; length <= MAX_BITS; length++) {
    left = left * 2 - count[length]!;
    if (left < 0) throw new Malformed("an over-subscribed code");
  }
  // a code without symbols is no fault until a symbol of it is read
  if (left > 0 && used > 0 && !(single && used === count[1])) throw new Malformed("an incomplete code");
  const offsets = new Uint16Array(MAX_BITS + 2);
  for (let length = 1; length <= MAX_BITS; length++) offsets[length + 1] = offsets[length]! + count[length]!;
  const symbols = new Uint16Array(used);
  lengths.forEach((length, symbol) => {
    if (length) symbols[offsets[length]!++] = symbol;
  });
  count[0] = 0;
  return { count, symbols };
}

const FIXED = codeOf(
  Uint8Array.from({ length: 288 }, (_, symbol) => (symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8)),
  true,
);
const FIXED_DISTANCES = codeOf(new Uint8Array(32).fill(5), true);

function adler32(data: Uint8Array): number {
  let low = 1;
  let high = 0;
  for (let at = 0; at < data.length; ) {
    for (const end = Math.min(at + 3_000, data.length); at < end; at++) {
      low += data[at]!;
      high += low;
    }
    low %= 65521;
    high %= 65521;
  }
  return high * 65536 + low;
}
