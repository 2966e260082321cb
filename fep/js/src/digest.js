/**
 * Hash strings: `sha256:` and 64 lower-case hex digits, of the exact bytes served at a media URL.
 *
 * @module
 */

import { decodeBase58, encodeBase58 } from "./base58.js";
import { fromHex, isPrefixed, toHex, unshared } from "./bytes.js";

const HASH = /^sha256:[0-9a-f]{64}$/;
const SHA2_256 = [0x12, 0x20]; // Multihash: function, length
const DIGEST_BYTES = 32;

/**
 * The hash string of some bytes.
 *
 * @param {Uint8Array | ArrayBuffer} data
 * @returns {Promise<string>}
 */
export async function digestOf(data) {
  return `sha256:${toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", unshared(data))))}`;
}

/**
 * Whether a text is a hash string to the letter: no upper case, nothing shortened, nothing around it.
 *
 * @param {unknown} text
 * @returns {text is string}
 */
export function isHash(text) {
  return typeof text === "string" && HASH.test(text);
}

/**
 * The hash string of a `digestMultibase` (FEP-1311), or null when it is not `z` and a SHA2-256 multihash.
 *
 * @param {unknown} text
 * @returns {string | null}
 */
export function fromMultibase(text) {
  if (typeof text !== "string" || !text.startsWith("z")) return null;
  const bytes = decodeBase58(text.slice(1));
  if (bytes === null || !isPrefixed(bytes, SHA2_256, DIGEST_BYTES)) return null;
  return `sha256:${toHex(bytes.subarray(SHA2_256.length))}`;
}

/**
 * The `digestMultibase` (FEP-1311) of a hash string. Throws a TypeError when it is none.
 *
 * @param {string} digest
 * @returns {string}
 */
export function toMultibase(digest) {
  if (!isHash(digest)) throw new TypeError("not a hash string");
  return `z${encodeBase58(Uint8Array.of(...SHA2_256, ...fromHex(digest.slice("sha256:".length))))}`;
}
