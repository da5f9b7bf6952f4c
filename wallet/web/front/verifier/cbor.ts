// CBOR, read strictly. Source: RFC 8949, section 3; docs/wire.md, "Common rules".
//
// A reader of our own: a general one hides what must be refused here, as which map had two equal keys. What it returns
// holds numbers within 2^53, Uint8Array, text, boolean, Map and Array, nothing else.
import { textOf } from "./bytes";
import { Malformed } from "./errors";

export const MAX_CODE_BYTES = 4_096;
const MAX_DEPTH = 8;

export type Value = number | string | boolean | Uint8Array | Members | Value[];
/** A map: the key 1 and the key "1" are two. */
export interface Members extends Map<number | string, Value> {}

/**
 * Returns the one data item that `data` is; with `tag`, the content of that tag, which must be there.
 *
 * Unsorted keys and longer than needed heads are read; everything else that the rules exclude is malformed.
 */
export function decodeCbor(data: Uint8Array, tag?: number): Value {
  if (data.length > MAX_CODE_BYTES) throw new Malformed("more CBOR than is read here");
  const reader = new Reader(data);
  const value = tag === undefined ? reader.item(0) : reader.tagged(tag);
  if (reader.at !== data.length) throw new Malformed("bytes after the CBOR");
  return value;
}

class Reader {
  at = 0;

  constructor(private readonly data: Uint8Array) {}

  tagged(tag: number): Value {
    if (this.data.length && this.data[0]! >> 5 !== 6) throw new Malformed("no CBOR tag");
    const [, argument] = this.head();
    if (argument !== tag) throw new Malformed("another CBOR tag");
    return this.item(1);
  }

  /** depth: how many arrays, maps and tags are around the item. */
  item(depth: number): Value {
    const [major, argument] = this.head();
    switch (major) {
      case 0:
      case 1:
        if (argument > Number.MAX_SAFE_INTEGER - major) throw new Malformed("an integer beyond 53 bits");
        return major ? -1 - argument : argument;
      case 2:
        return this.take(argument).slice();
      case 3:
        return textOf(this.take(argument));
      case 7:
        if (argument !== 20 && argument !== 21) throw new Malformed("a simple value that is not read here");
        return argument === 21;
      case 6:
        throw new Malformed("a CBOR tag where none is read");
    }
    if (depth + 1 > MAX_DEPTH) throw new Malformed("CBOR nested too deep");
    if (argument > this.data.length - this.at) throw new Malformed("CBOR ends too early"); // an item takes a byte
    if (major === 4) {
      const items: Value[] = [];
      for (let left = argument; left > 0; left--) items.push(this.item(depth + 1));
      return items;
    }
    const members: Members = new Map();
    for (let left = argument; left > 0; left--) {
      const key = this.item(depth + 1);
      if (typeof key !== "number" && typeof key !== "string") throw new Malformed("a key of another type");
      if (members.has(key)) throw new Malformed("two equal keys");
      members.set(key, this.item(depth + 1));
    }
    return members;
  }

  /** Returns major type and argument; an argument above 2^53 comes out inexact, and still above 2^53. */
  private head(): [number, number] {
    const initial = this.take(1)[0]!;
    const major = initial >> 5;
    const short = initial & 31;
    if (short < 24) return [major, short];
    if (major === 7) throw new Malformed("a float, or a simple value that is not read here");
    if (short > 27) throw new Malformed("a CBOR item of indefinite length");
    let argument = 0;
    for (const byte of this.take(1 << (short - 24))) argument = argument * 256 + byte;
    return [major, argument];
  }

  private take(count: number): Uint8Array {
    if (count > this.data.length - this.at) throw new Malformed("CBOR ends too early");
    this.at += count;
    return this.data.subarray(this.at - count, this.at);
  }
}
