/**
 * Ed25519 public keys as Multikeys: `z`, base58btc, prefix 0xed01, 32 bytes (FEP-521a; CID 1.0 2.2.2).
 *
 * @module
 */

import { decodeBase58, encodeBase58 } from "./base58.js";
import { isPrefixed } from "./bytes.js";

const ED25519_PUBLIC = [0xed, 0x01];
const KEY_BYTES = 32;

/**
 * The `publicKeyMultibase` of a raw public key. Throws a TypeError when it has not 32 bytes.
 *
 * @param {Uint8Array} publicKey
 * @returns {string}
 */
export function encodeMultikey(publicKey) {
  if (publicKey.length !== KEY_BYTES) throw new TypeError("an Ed25519 public key has 32 bytes");
  return `z${encodeBase58(Uint8Array.of(...ED25519_PUBLIC, ...publicKey))}`;
}

/**
 * The 32 bytes of a `publicKeyMultibase`, or null when it is not an Ed25519 Multikey.
 *
 * @param {unknown} text
 * @returns {Uint8Array | null}
 */
export function decodeMultikey(text) {
  if (typeof text !== "string" || !text.startsWith("z")) return null;
  const bytes = decodeBase58(text.slice(1));
  if (bytes === null || !isPrefixed(bytes, ED25519_PUBLIC, KEY_BYTES)) return null;
  return bytes.slice(ED25519_PUBLIC.length);
}
