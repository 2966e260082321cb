/**
 * Ed25519 public keys as Multikeys: `z`, base58btc, prefix 0xed01, 32 bytes (FEP-521a; CID 1.0 2.2.2).
 *
 * @module
 */

import { decodeBase58, encodeBase58 } from "./base58.js";
import { isPrefixed, toHex } from "./bytes.js";

const ED25519_PUBLIC = [0xed, 0x01];
const KEY_BYTES = 32;

/**
 * The eight points whose order divides 8, in every spelling, as hex with the sign bit cleared. RFC 8032 5.1.7 lets
 * them verify: under such a key anybody makes signatures without a secret, for the neutral element even one that fits
 * every text.
 */
const SMALL_ORDER = new Set([
  "00".repeat(32),
  `01${"00".repeat(31)}`,
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  ...["ec", "ed", "ee"].map((first) => `${first}${"ff".repeat(30)}7f`),
]);

/**
 * The `publicKeyMultibase` of a raw public key. Throws a TypeError when it has not 32 bytes, or is a point of small
 * order.
 *
 * @param {Uint8Array} publicKey
 * @returns {string}
 */
export function encodeMultikey(publicKey) {
  if (publicKey.length !== KEY_BYTES) throw new TypeError("an Ed25519 public key has 32 bytes");
  if (hasSmallOrder(publicKey)) throw new TypeError("a point of small order is nobody's key");
  return `z${encodeBase58(Uint8Array.of(...ED25519_PUBLIC, ...publicKey))}`;
}

/**
 * The 32 bytes of a `publicKeyMultibase`, or null when it is not an Ed25519 Multikey. A point of small order is none: no
 * secret belongs to it (profile K-08).
 *
 * @param {unknown} text
 * @returns {Uint8Array | null}
 */
export function decodeMultikey(text) {
  if (typeof text !== "string" || !text.startsWith("z")) return null;
  const bytes = decodeBase58(text.slice(1));
  if (bytes === null || !isPrefixed(bytes, ED25519_PUBLIC, KEY_BYTES)) return null;
  const key = bytes.slice(ED25519_PUBLIC.length);
  return hasSmallOrder(key) ? null : key;
}

/** @param {Uint8Array} key */
function hasSmallOrder(key) {
  return SMALL_ORDER.has(toHex(Uint8Array.of(...key.subarray(0, -1), key[KEY_BYTES - 1] & 0x7f)));
}
