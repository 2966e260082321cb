/**
 * The values of Media Attestation JWT v1: what a token states, and what a verifier found.
 *
 * An attestation says that some bytes were checked by a method against a list at a time and that no known match was
 * found. It never says "safe" or "clean", and a failed verification never says "bad": towards third parties every
 * verdict other than `valid` means *unattested*.
 *
 * @module
 */

/** Seconds to which `iat` is rounded down, so that a token does not tell when a medium was first seen. */
export const HOUR = 3600;

/** Seconds between `iat` and `exp` when the issuer does not say otherwise: 14 days. */
export const DEFAULT_LIFETIME = 14 * 24 * HOUR;

/** Largest number of seconds between `iat` and `exp`: 30 days. */
export const MAX_LIFETIME = 30 * 24 * HOUR;

/** Seconds that an issuer's clock may be ahead of ours. */
export const CLOCK_SKEW = 300;

/** Largest number of entries in `chk`, and of further digests in `alt`. */
export const MAX_CHECKS = 8;

/** Number of random bytes in `jti`. */
export const JTI_BYTES = 16;

/** Every verdict there is: a closed set. */
export const VERDICTS = Object.freeze(
  /** @type {const} */ ([
    "valid",
    "missing",
    "malformed",
    "untrusted-issuer",
    "unknown-key",
    "revoked-key",
    "bad-signature",
    "expired",
    "not-yet-valid",
    "hash-mismatch",
    "no-accepted-check",
    "revoked",
    "key-unavailable",
  ]),
);

/** The steps of a verification: what each looks at, in a few words, for display. */
export const STEPS = Object.freeze(
  /** @type {const} */ ({
    1: "grammar and length",
    2: "JOSE header",
    3: "issuer is trusted",
    4: "key is of the issuer's origin",
    5: "key is published, neither expired nor revoked",
    6: "signature",
    7: "claims and times",
    8: "same hash as the object declares",
    9: "same hash as the bytes received",
    10: "an accepted list was checked, no match",
    11: "not retracted",
  }),
);

/**
 * @typedef {(typeof VERDICTS)[number]} Verdict What a verification came to.
 */

/**
 * @typedef {keyof typeof STEPS} Step The number of a step; each is reached only when all before it passed.
 */

/**
 * @typedef {"trusted" | "self"} IssuerClass
 * Why an issuer was believed. `self` is weaker: an origin that vouches for its own media.
 */

/**
 * @typedef {"standing" | "revoked" | "unavailable"} Status
 * What a status list says about an attestation; `unavailable` when the list could not be had.
 */

/**
 * One method applied against one list.
 *
 * @typedef {object} Check
 * @property {string} algorithm short lower-case name: `pdq`, `photodna`, `sha256`, `md5`
 * @property {string} list opaque https id of the list
 * @property {number} [checkedAt] seconds since the epoch
 */

/**
 * What was checked, as a file (claim `med`).
 *
 * @typedef {object} Medium
 * @property {string} type media type
 * @property {number} size bytes
 */

/**
 * Where the status of a token stands (draft-ietf-oauth-status-list, `status_list`).
 *
 * @typedef {object} StatusReference
 * @property {string} uri https address of the list
 * @property {number} index position in the list
 */

/**
 * The statement of one token: `digest` was checked by `checks` and no known match was found.
 *
 * @typedef {object} Attestation
 * @property {string} issuer https id of the actor that states it
 * @property {string} digest hash string of the exact bytes
 * @property {number} issuedAt seconds since the epoch
 * @property {number} expiresAt seconds since the epoch
 * @property {Uint8Array} jti 16 random bytes
 * @property {Check[]} checks 1 to 8
 * @property {Record<string, string>} alternatives further cryptographic digests of the same bytes: lower-case hex by
 *   algorithm; empty when there are none
 * @property {Medium} [medium]
 * @property {StatusReference} [status]
 */

/**
 * What a token claims before anything was checked: enough to know which actor to fetch, and no more.
 *
 * @typedef {object} Unverified
 * @property {string} issuer
 * @property {string} kid
 * @property {string} digest
 */

/**
 * An Ed25519 key of an issuer, as its actor publishes it (FEP-521a Multikey).
 *
 * @typedef {object} IssuerKey
 * @property {string} kid https id of the key
 * @property {string} controller https id of the actor
 * @property {Uint8Array} publicKey 32 bytes
 * @property {number} [expires] seconds since the epoch
 * @property {number} [revoked] seconds since the epoch
 */

/**
 * @template {Verdict} V
 * @template {Step} S
 * @typedef {object} Failed
 * @property {V} verdict
 * @property {S} step the step that decided
 * @property {string} reason a sentence for people
 * @property {false} valid
 * @property {V extends "key-unavailable" ? true : false} temporary whether verifying again later may come to
 *   something else
 */

/**
 * What is known besides the verdict once the signature was good and the claims well formed. `attestation` is absent
 * from a token that states another result than "no match".
 *
 * @typedef {object} Stated
 * @property {Attestation} [attestation]
 * @property {IssuerClass} issuerClass
 */

/**
 * @typedef {object} Valid
 * @property {"valid"} verdict
 * @property {11} step
 * @property {string} reason
 * @property {true} valid
 * @property {false} temporary
 * @property {Attestation} attestation
 * @property {IssuerClass} issuerClass
 */

/**
 * @typedef {Failed<"missing", 1>
 *   | Failed<"malformed", 1 | 2 | 3 | 4 | 7>
 *   | Failed<"untrusted-issuer", 3>
 *   | Failed<"key-unavailable", 5>
 *   | Failed<"unknown-key" | "revoked-key", 5>
 *   | Failed<"bad-signature", 6>} Unestablished
 * What ends a verification before the token's statement is known.
 */

/**
 * @typedef {(Failed<"expired" | "not-yet-valid", 7>
 *   | Failed<"hash-mismatch", 8 | 9>
 *   | Failed<"no-accepted-check", 10>
 *   | Failed<"revoked", 11>
 *   | Failed<"key-unavailable", 11>) & Stated} Unmet
 * What is wrong with a statement that the issuer did make.
 */

/**
 * The outcome of a verification: test `valid`, or switch over `verdict`.
 *
 * @typedef {Valid | Unestablished | Unmet} Verification
 */

/**
 * The outcome of a verification that ended at `step`.
 *
 * @template {Verdict} V
 * @template {Step} S
 * @param {V} verdict
 * @param {S} step
 * @param {string} reason
 * @returns {Failed<V, S>}
 */
export function failed(verdict, step, reason) {
  const temporary = /** @type {Failed<V, S>["temporary"]} */ (verdict === "key-unavailable");
  return { verdict, step, reason, valid: false, temporary };
}
