/**
 * Making an attestation: of the statement, the key, the time and 16 random bytes.
 *
 * @module
 */

import { unshared } from "./bytes.js";
import { ClaimError, readClaims, writeClaims } from "./claims.js";
import { toDataUrl } from "./data-url.js";
import { DEFAULT_LIFETIME, HOUR, JTI_BYTES } from "./model.js";
import { originOf } from "./origin.js";
import { isWhole } from "./strict-json.js";
import { writeToken } from "./token.js";

/** @import { Check, Medium, StatusReference } from "./model.js" */

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
 * @typedef {object} Statement
 * @property {SigningKey} privateKey
 * @property {string} kid https id of the key, of the issuer's origin
 * @property {string} issuer https id of the actor that states it
 * @property {string} digest hash string of the bytes that were checked
 * @property {Iterable<Check>} checks 1 to 8
 * @property {number} now seconds since the epoch; `iat` is this rounded down to the hour
 * @property {Uint8Array} [jti] 16 fresh random bytes, never made from the media; made here unless given
 * @property {number} [lifetime] seconds from `iat` to `exp`, at most 30 days; 14 days unless given
 * @property {Record<string, string>} [alternatives] further digests of the same bytes: lower-case hex by algorithm
 * @property {Medium} [medium]
 * @property {StatusReference} [status]
 */

/**
 * The attestation string that `digest` was checked by `checks` and no known match was found. The same statement with
 * the same `jti` gives the same string.
 *
 * Throws a TypeError for whatever a verifier would refuse: among others a lifetime over 30 days, one that is over at
 * `now`, no check or more than eight, or a result of more than 2048 characters.
 *
 * @param {Statement} statement
 * @returns {Promise<string>}
 */
export async function issue({ privateKey, kid, issuer, digest, checks, now, jti, lifetime, alternatives, medium, status }) {
  requireSeconds(now);
  const issuedAt = now - (now % HOUR);
  const expiresAt = issuedAt + (lifetime ?? DEFAULT_LIFETIME);
  const claims = writeClaims({
    issuer,
    digest,
    issuedAt,
    expiresAt,
    jti: jti ?? crypto.getRandomValues(new Uint8Array(JTI_BYTES)),
    checks: [...checks],
    alternatives: alternatives ?? {},
    medium,
    status,
  });
  refuseWhatVerifiersRefuse(claims);
  if (expiresAt <= now) throw new TypeError("the attestation would be over before it is sent");
  const origin = originOf(kid);
  if (origin === null || origin !== originOf(issuer)) throw new TypeError("the key is not of the issuer's origin");
  return toDataUrl(await writeToken({ kid, claims, sign: (input) => signWith(privateKey, input) }));
}

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
 * Throws a TypeError unless `now` is a time in whole seconds: milliseconds, which `Date.now()` gives, would make
 * tokens of the far future and let expired ones live.
 *
 * @param {unknown} now
 * @returns {asserts now is number}
 */
export function requireSeconds(now) {
  if (!isWhole(now) || now > 99_999_999_999) throw new TypeError("now is a time in whole seconds since the epoch");
}

/** @param {object} claims */
function refuseWhatVerifiersRefuse(claims) {
  try {
    readClaims(/** @type {Record<string, unknown>} */ (claims));
  } catch (fault) {
    if (fault instanceof ClaimError) throw new TypeError(fault.message, { cause: fault });
    throw fault;
  }
}

/**
 * @param {SigningKey} key
 * @param {Uint8Array} input
 */
async function signWith(key, input) {
  const signed = typeof key === "function" ? await key(input) : await crypto.subtle.sign("Ed25519", key, unshared(input));
  const signature = new Uint8Array(signed);
  if (signature.length !== SIGNATURE_BYTES) throw new TypeError("an Ed25519 signature has 64 bytes");
  return signature;
}
