/**
 * Verifying an attestation: from what was received and what is known to a verdict.
 *
 * The steps and their order are the profile's; each is reached only when all before it passed, and the first that fails
 * decides. Nothing is fetched here: the caller brings the issuer's actor document, using `unverified` to learn whose it
 * is, and a status check if its policy asks for one.
 *
 * @module
 */

import { ClaimError, NO_MATCH, readClaims } from "./claims.js";
import { digestOf, fromMultibase, isHash } from "./digest.js";
import { requireSeconds } from "./issue.js";
import { findKey } from "./keys.js";
import { CLOCK_SKEW, failed } from "./model.js";
import { originOf } from "./origin.js";
import { isSigned } from "./signing.js";
import { readToken } from "./token.js";

/** @import { Attestation, IssuerClass, Status, Unestablished, Unverified, Verification } from "./model.js" */
/** @import { Token } from "./token.js" */

/**
 * What is known beside the attestation itself.
 *
 * @typedef {object} Circumstances
 * @property {Uint8Array | ArrayBuffer | string} received the bytes actually received, or their hash string
 * @property {ReadonlyMap<string, unknown> | Readonly<Record<string, unknown>>} actors parsed actor documents by issuer
 *   id, each fetched from that id. An issuer that is not in it could not be fetched (`key-unavailable`, temporary); null
 *   says that its server knows no such actor (`unknown-key`)
 * @property {Iterable<string>} trustedIssuers ids of actors
 * @property {Iterable<string> | null} acceptedLists list ids of which one must have been checked; null when any will do
 * @property {number} now seconds since the epoch: `Math.floor(Date.now() / 1000)`
 * @property {readonly unknown[]} [declaredHashes] the object's `hash` (FEP-b53d) or `digestMultibase` (FEP-1311) values
 * @property {string | null} [objectOrigin] origin or id of the object with the medium; an issuer of that origin then is
 *   of class `self`
 * @property {(attestation: Attestation) => Status | Promise<Status>} [status] asked last, when the policy wants to know
 *   about retraction. What is neither `standing` nor `revoked` is `key-unavailable` at step 11
 */

/**
 * Whose key a token claims to be signed with, for fetching the actor document; nothing is checked. Null when `verify`
 * would end before step 5 for any policy: then there is nothing to fetch.
 *
 * @param {unknown} attestation
 * @returns {Unverified | null}
 */
export function unverified(attestation) {
  const { token } = readToken(attestation);
  if (token === null) return null;
  const { iss: issuer, sub: digest } = token.claims;
  const origin = originOf(issuer);
  if (typeof issuer !== "string" || origin === null || origin !== originOf(token.kid) || !isHash(digest)) return null;
  return { issuer, kid: token.kid, digest };
}

/**
 * Whether `attestation` vouches for the bytes received.
 *
 * Whatever is in `attestation`, the actor documents and the declared hashes, there is a verdict. A TypeError is a
 * mistake in the calling code: `received`, `now`, `trustedIssuers` or `acceptedLists` of the wrong kind. What `status`
 * throws is passed on.
 *
 * @param {unknown} attestation the string found; null, undefined or empty when there is none
 * @param {Circumstances} circumstances
 * @returns {Promise<Verification>}
 */
export async function verify(attestation, circumstances) {
  const { received, now, actors, objectOrigin, status } = circumstances;
  const trusted = asSet(circumstances.trustedIssuers, "trustedIssuers");
  const lists = circumstances.acceptedLists === null ? null : asSet(circumstances.acceptedLists, "acceptedLists");
  requireSeconds(now);
  const digest = typeof received === "string" ? received : await digestOf(received);
  if (!isHash(digest)) throw new TypeError("received is neither bytes nor a hash string");

  if (attestation === undefined || attestation === null || attestation === "") {
    return failed("missing", 1, "There is no attestation.");
  }
  const read = readToken(attestation); // steps 1 and 2
  if (read.token === null) return read.failure;
  const { token } = read;
  const issuer = judgeIssuer(token, { trusted, objectOrigin, actors });
  if (issuer.id === null) return issuer.failure;
  const found = findKey(issuer.actor, { kid: token.kid, issuer: issuer.id, now });
  if (found.key === null) return found.failure;
  if (!(await isSigned(token, found.key.publicKey))) return failed("bad-signature", 6, "The signature does not verify.");

  const statement = stated(token);
  if (statement.attestation === null) return statement.failure;
  const claimed = statement.attestation;
  // A token with another result states something that an Attestation cannot express.
  const attested = statement.result === NO_MATCH ? claimed : undefined;
  const known = { ...(attested && { attestation: attested }), issuerClass: issuer.class };

  if (now >= claimed.expiresAt) {
    return { ...failed("expired", 7, "The attestation has expired."), ...known }; // RFC 7519 4.1.4
  }
  if (claimed.issuedAt > now + CLOCK_SKEW) {
    return { ...failed("not-yet-valid", 7, "The attestation is dated in the future."), ...known }; // RFC 7519 4.1.6
  }
  const declared = circumstances.declaredHashes ?? [];
  if (declared.length > 0 && !declared.some((hash) => (fromMultibase(hash) ?? hash) === claimed.digest)) {
    return { ...failed("hash-mismatch", 8, "The attestation is about another hash than the object declares."), ...known };
  }
  if (claimed.digest !== digest) {
    return { ...failed("hash-mismatch", 9, "The attestation is about other bytes than those received."), ...known };
  }
  if (attested === undefined || !(lists === null || attested.checks.some(({ list }) => lists.has(list)))) {
    const reason = "The attestation does not state a check against an accepted list without a match.";
    return { ...failed("no-accepted-check", 10, reason), ...known };
  }
  const standing = status === undefined ? "standing" : await status(attested);
  if (standing === "revoked") {
    return { ...failed("revoked", 11, "The issuer has retracted the attestation."), ...known };
  }
  if (standing !== "standing") {
    return { ...failed("key-unavailable", 11, "The attestation's status could not be had."), ...known };
  }
  return {
    verdict: "valid",
    step: 11,
    reason: "The issuer states that these bytes were checked and no known match was found.",
    valid: true,
    temporary: false,
    attestation: attested,
    issuerClass: issuer.class,
  };
}

/**
 * Steps 3 and 4, and the actor document for step 5.
 *
 * @param {Token} token
 * @param {{ trusted: ReadonlySet<string>, objectOrigin: string | null | undefined, actors: Circumstances["actors"] }} known
 * @returns {{ id: string, class: IssuerClass, actor: unknown } | { id: null, failure: Unestablished }}
 */
function judgeIssuer({ kid, claims }, { trusted, objectOrigin, actors }) {
  const issuer = claims.iss;
  const origin = originOf(issuer);
  if (typeof issuer !== "string" || origin === null) {
    return { id: null, failure: failed("malformed", 3, "The issuer is not an https id.") };
  }
  const isSelf = originOf(objectOrigin) === origin; // FEP-fe34
  if (!trusted.has(issuer) && !isSelf) {
    return { id: null, failure: failed("untrusted-issuer", 3, "The issuer is not trusted here.") };
  }
  if (originOf(kid) !== origin) {
    return { id: null, failure: failed("malformed", 4, "The key is of another origin than the issuer.") };
  }
  const actor = documentOf(issuer, actors);
  if (actor === undefined) {
    return { id: null, failure: failed("key-unavailable", 5, "The issuer's key could not be fetched.") };
  }
  if (actor === null) {
    return { id: null, failure: failed("unknown-key", 5, "The issuer's server knows no such actor.") };
  }
  return { id: issuer, class: trusted.has(issuer) ? "trusted" : "self", actor };
}

/**
 * @param {string} issuer
 * @param {Circumstances["actors"]} actors
 * @returns {unknown}
 */
function documentOf(issuer, actors) {
  if (actors instanceof Map) return actors.get(issuer);
  return Object.getOwnPropertyDescriptor(actors, issuer)?.value;
}

/**
 * Step 7, times aside.
 *
 * @param {Token} token
 */
function stated({ claims }) {
  try {
    return readClaims(claims);
  } catch (fault) {
    if (fault instanceof ClaimError) return { attestation: null, failure: failed("malformed", 7, fault.message) };
    throw fault;
  }
}

/**
 * @param {Iterable<string>} values
 * @param {string} name
 * @returns {ReadonlySet<string>}
 */
function asSet(values, name) {
  // A string is iterable too, by its characters; undefined would otherwise mean "any list".
  if (typeof values !== "object" || values === null) throw new TypeError(`${name} is not a collection of ids`);
  return values instanceof Set ? values : new Set(values);
}
