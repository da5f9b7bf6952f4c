// JSON, read strictly. Source: RFC 8259, sections 4 and 8.1; RFC 7515, section 4.
//
// A reader of our own: JSON.parse hides equal names, and cannot tell 1 from 1.0. What it returns holds integers within
// 2^53; every other number, which no rule here takes, is NaN.
import { textOf } from "./bytes";
import { Malformed } from "./errors";

const MAX_DEPTH = 500;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const SPACE = /[ \t\n\r]*/y;
const ESCAPES = new Map([...'"\\/bfnrt'].map((escape, place) => [escape, '"\\/\b\f\n\r\t'.charAt(place)]));

export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject extends Map<string, Json> {}

/** Returns the JSON object that these bytes are; equal names, bad UTF-8 and whatever is no JSON are malformed. */
export function jsonObject(data: Uint8Array): JsonObject {
  const reader = new Reader(textOf(data));
  const value = reader.value(0);
  if (!reader.ended()) throw new Malformed("text after the JSON");
  if (!(value instanceof Map)) throw new Malformed("not a JSON object");
  return value;
}

class Reader {
  private at = 0;

  constructor(private readonly text: string) {}

  ended(): boolean {
    this.match(SPACE);
    return this.at === this.text.length;
  }

  value(depth: number): Json {
    if (depth > MAX_DEPTH) throw new Malformed("JSON nested too deep");
    this.match(SPACE);
    switch (this.text.charAt(this.at)) {
      case "{":
        return this.object(depth);
      case "[":
        return this.array(depth);
      case '"':
        return this.string();
      case "t":
        return this.word("true", true);
      case "f":
        return this.word("false", false);
      case "n":
        return this.word("null", null);
    }
    const found = this.match(NUMBER);
    if (!found?.[0]) throw new Malformed("not JSON");
    const number = Number(found[0]);
    if (found[1] !== undefined || found[2] !== undefined || !Number.isSafeInteger(number)) return NaN;
    return number || 0; // -0 is 0
  }

  private object(depth: number): JsonObject {
    const members: JsonObject = new Map();
    this.at++;
    if (this.next("}")) return members;
    do {
      this.match(SPACE);
      if (this.text.charAt(this.at) !== '"') throw new Malformed("not JSON");
      const name = this.string();
      if (!this.next(":")) throw new Malformed("not JSON");
      if (members.has(name)) throw new Malformed("two equal names in JSON");
      members.set(name, this.value(depth + 1));
    } while (this.next(","));
    if (!this.next("}")) throw new Malformed("not JSON");
    return members;
  }

  private array(depth: number): Json[] {
    const items: Json[] = [];
    this.at++;
    if (this.next("]")) return items;
    do items.push(this.value(depth + 1));
    while (this.next(","));
    if (!this.next("]")) throw new Malformed("not JSON");
    return items;
  }

  private string(): string {
    this.at++;
    let found = "";
    for (;;) {
      found += this.match(PLAIN)![0];
      const character = this.text.charAt(this.at++);
      if (character === '"') return found;
      if (character !== "\\") throw new Malformed("not JSON");
      const escape = this.text.charAt(this.at++);
      if (escape === "u") {
        const digits = this.text.slice(this.at, this.at + 4);
        if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw new Malformed("not JSON");
        found += String.fromCharCode(parseInt(digits, 16));
        this.at += 4;
      } else {
        const plain = ESCAPES.get(escape);
        if (plain === undefined) throw new Malformed("not JSON");
        found += plain;
      }
    }
  }

  private word<T>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.at)) throw new Malformed("not JSON");
    this.at += word.length;
    return value;
  }

  private next(character: string): boolean {
    this.match(SPACE);
    if (this.text.charAt(this.at) !== character) return false;
    this.at++;
    return true;
  }

  /** Returns what a sticky pattern finds here, and steps over it. */
  private match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found) this.at = pattern.lastIndex;
    return found;
  }
}
