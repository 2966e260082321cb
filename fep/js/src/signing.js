/**
 * Ed25519 by WebCrypto: keys, signatures and their verification (RFC 8032).
 *
 * @module
 */

import { unshared } from "./bytes.js";

const SIGNATURE_BYTES = 64;

/** PrivateKeyInfo of an Ed25519 key, up to its 32 bytes (RFC 8410 7, 10.3). */
const PKCS8 = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

/**
 * What signs: a private Ed25519 `CryptoKey`, or a function that gives the 64 bytes of an Ed25519 signature, for keys that
 * live elsewhere.
 *
 * @typedef {CryptoKey | ((input: Uint8Array) => Uint8Array | Promise<Uint8Array>)} SigningKey
 */

/**
 * The private key of a 32-byte Ed25519 seed, which is what most software stores, for `issue`. Throws a TypeError for
 * another number of bytes.
 *
 * @param {Uint8Array} seed
 * @returns {Promise<CryptoKey>}
 */
export async function importSeed(seed) {
  if (seed.length !== 32) throw new TypeError("an Ed25519 seed has 32 bytes");
  return await crypto.subtle.importKey("pkcs8", Uint8Array.of(...PKCS8, ...seed), "Ed25519", false, ["sign"]);
}

/**
 * The 64 bytes of a signature. Throws a TypeError when a function gave something else.
 *
 * @param {SigningKey} key
 * @param {Uint8Array} input
 * @returns {Promise<Uint8Array>}
 */
export async function signWith(key, input) {
  const signed = typeof key === "function" ? await key(input) : await crypto.subtle.sign("Ed25519", key, unshared(input));
  const signature = new Uint8Array(signed);
  if (signature.length !== SIGNATURE_BYTES) throw new TypeError("an Ed25519 signature has 64 bytes");
  return signature;
}

/**
 * Whether the key signed the token (RFC 8032 5.1.7 over RFC 7515 5.2 step 8).
 *
 * @param {{ signature: Uint8Array, signingInput: Uint8Array }} token
 * @param {Uint8Array} publicKey 32 bytes
 * @returns {Promise<boolean>}
 */
export async function isSigned({ signature, signingInput }, publicKey) {
  try {
    const key = await crypto.subtle.importKey("raw", unshared(publicKey), "Ed25519", false, ["verify"]);
    return await crypto.subtle.verify("Ed25519", key, unshared(signature), unshared(signingInput));
  } catch (problem) {
    // Some engines refuse at once a key that is no point of the curve. One that has no Ed25519 is another matter.
    if (problem instanceof DOMException && problem.name === "NotSupportedError") throw problem;
    return false;
  }
}
