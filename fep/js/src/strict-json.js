/**
 * JSON that no two parsers read differently (RFC 7493), and JSON written in one way only (RFC 8785).
 *
 * `JSON.parse` keeps the last of two members with one name, so it cannot be asked. This reader refuses them, and
 * whatever else may be read in two ways.
 *
 * @module
 */

import { decodeUtf8, encodeUtf8 } from "./bytes.js";

/** More opening brackets than any token needs, counted wherever they stand; bounds the depth of the recursion. */
const MAX_BRACKETS = 64;

const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const SPACE = /[ \t\n\r]*/y;
const UNICODE = /[0-9A-Fa-f]{4}/y;
const ESCAPES = /** @type {Record<string, string>} */ ({
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
});
const LITERALS = /** @type {[string, unknown][]} */ ([
  ["true", true],
  ["false", false],
  ["null", null],
]);
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * @typedef {Record<string, unknown>} Members The members of a JSON object; the object has no prototype.
 */

/** The text is not strict JSON; never leaves this module. */
class NotStrict extends Error {}

/**
 * The JSON object in some bytes, or null when they are not strict JSON, or no object.
 *
 * Refused: anything but UTF-8, a byte order mark, duplicate names at any depth, numbers beyond every double, lone
 * surrogates, deep nesting (RFC 7493 2, RFC 8725 2.4). A number with a fraction or an exponent is NaN in the value,
 * whatever it is worth: nothing in a token is such a number, and `1.0` is not an integer here.
 *
 * @param {Uint8Array} bytes
 * @returns {Members | null}
 */
export function readObject(bytes) {
  const text = decodeUtf8(bytes);
  if (text === null || text.split(/[[{]/, MAX_BRACKETS + 2).length > MAX_BRACKETS + 1) return null;
  try {
    const value = new Reader(text).read();
    return isObject(value) ? value : null;
  } catch (problem) {
    if (problem instanceof NotStrict) return null;
    throw problem;
  }
}

/**
 * The canonical bytes of a JSON value without fractions (RFC 8785 3.2): names in the order of their UTF-16 code units.
 *
 * @param {unknown} value
 * @returns {Uint8Array}
 */
export function writeCanonical(value) {
  return encodeUtf8(canonical(value));
}

/**
 * Whether a value is an integer from 0 to 2**53-1 (RFC 7493 2.2).
 *
 * @param {unknown} value
 * @returns {value is number}
 */
export function isWhole(value) {
  return Number.isSafeInteger(value) && /** @type {number} */ (value) >= 0;
}

/**
 * Whether a value of JSON is an object.
 *
 * @param {unknown} value
 * @returns {value is Members}
 */
export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * The canonical text. `JSON.stringify` alone would not do: it puts names that look like array indexes first.
 *
 * @param {unknown} value
 * @returns {string}
 */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const members = Object.keys(value).sort(); // by code units
  return `{${members.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(",")}}`;
}

class Reader {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
    this.at = 0;
  }

  /** @returns {unknown} */
  read() {
    const value = this.value();
    if (this.at !== this.text.length) throw new NotStrict();
    return value;
  }

  /** @returns {unknown} */
  value() {
    this.match(SPACE);
    const value = this.bare();
    this.match(SPACE);
    return value;
  }

  /** @returns {unknown} */
  bare() {
    switch (this.text[this.at]) {
      case "{":
        return this.object();
      case "[":
        return this.array();
      case '"':
        return this.string();
    }
    for (const [word, value] of LITERALS) {
      if (this.skip(word)) return value;
    }
    return this.number();
  }

  object() {
    /** @type {Members} */
    const members = Object.create(null);
    this.take("{");
    this.match(SPACE);
    if (this.skip("}")) return members;
    do {
      this.match(SPACE);
      const name = this.string();
      if (name in members) throw new NotStrict();
      this.match(SPACE);
      this.take(":");
      members[name] = this.value();
    } while (this.skip(","));
    this.take("}");
    return members;
  }

  array() {
    /** @type {unknown[]} */
    const members = [];
    this.take("[");
    this.match(SPACE);
    if (this.skip("]")) return members;
    do members.push(this.value());
    while (this.skip(","));
    this.take("]");
    return members;
  }

  string() {
    this.take('"');
    let text = this.match(PLAIN);
    while (this.skip("\\")) text += this.escape() + this.match(PLAIN);
    this.take('"');
    if (LONE_SURROGATE.test(text)) throw new NotStrict();
    return text;
  }

  escape() {
    const letter = this.text[this.at++] ?? "";
    if (letter === "u") return String.fromCharCode(Number.parseInt(this.match(UNICODE), 16));
    if (!Object.hasOwn(ESCAPES, letter)) throw new NotStrict();
    return ESCAPES[letter];
  }

  number() {
    const start = this.at;
    const written = this.match(NUMBER);
    const number = Number(written);
    if (!Number.isFinite(number)) throw new NotStrict();
    return /[.eE]/.test(this.text.slice(start, this.at)) ? Number.NaN : number + 0; // -0 becomes 0
  }

  /**
   * What a sticky pattern finds here.
   *
   * @param {RegExp} pattern
   */
  match(pattern) {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found === null) throw new NotStrict();
    this.at += found[0].length;
    return found[0];
  }

  /** @param {string} word */
  skip(word) {
    if (!this.text.startsWith(word, this.at)) return false;
    this.at += word.length;
    return true;
  }

  /** @param {string} word */
  take(word) {
    if (!this.skip(word)) throw new NotStrict();
  }
}
