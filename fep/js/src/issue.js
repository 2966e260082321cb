/**
 * Making an attestation: of the statement, the key, the time and 16 random bytes.
 *
 * @module
 */

import { ClaimError, readClaims, writeClaims } from "./claims.js";
import { toDataUrl } from "./data-url.js";
import { DEFAULT_LIFETIME, HOUR, JTI_BYTES } from "./model.js";
import { originOf } from "./origin.js";
import { signWith } from "./signing.js";
import { isWhole } from "./strict-json.js";
import { TOKEN_TYPE, writeToken } from "./token.js";

/** @import { Check, Medium, StatusReference } from "./model.js" */
/** @import { SigningKey } from "./signing.js" */

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
  return toDataUrl(await writeToken({ type: TOKEN_TYPE, kid, claims, sign: (input) => signWith(privateKey, input) }));
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
