/**
 * The claims of a token, read into an attestation and written from one.
 *
 * Unknown claims are ignored (RFC 7519 4), except `aud` and `nbf`, which bind whoever accepts a token and which this
 * profile has no use for.
 *
 * @module
 */

import { decodeBase64url, encodeBase64url } from "./bytes.js";
import { isHash } from "./digest.js";
import { JTI_BYTES, MAX_CHECKS, MAX_LIFETIME } from "./model.js";
import { isHttpsId } from "./origin.js";
import { isObject, isWhole } from "./strict-json.js";

/** @import { Attestation, Check, Medium, StatusReference } from "./model.js" */
/** @import { Members } from "./strict-json.js" */

/** The only result that a token can state. */
export const NO_MATCH = "no-match";

const ALGORITHM = /^[a-z0-9][a-z0-9._-]{0,31}$/;
const HEX = /^(?:[0-9a-f]{2}){16,128}$/;
const MEDIA_TYPE = /^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}$/; // RFC 6838 4.2

/** A claim is absent or breaks its grammar; the message is a sentence for people. Never leaves this package. */
export class ClaimError extends Error {}

/**
 * The claims set of an attestation; optional claims only where there is something to say.
 *
 * @param {Attestation} attestation
 */
export function writeClaims({ issuer, digest, issuedAt, expiresAt, jti, checks, alternatives, medium, status }) {
  return {
    iss: issuer,
    sub: digest,
    iat: issuedAt,
    exp: expiresAt,
    jti: encodeBase64url(jti),
    res: NO_MATCH,
    chk: checks.map(({ algorithm, list, checkedAt }) => ({
      alg: algorithm,
      list,
      ...(checkedAt === undefined ? {} : { at: checkedAt }),
    })),
    ...(Object.keys(alternatives).length === 0 ? {} : { alt: alternatives }),
    ...(medium === undefined ? {} : { med: { type: medium.type, size: medium.size } }),
    ...(status === undefined ? {} : { status: { status_list: { uri: status.uri, idx: status.index } } }),
  };
}

/**
 * The attestation that a claims set states, and the result beside it. Throws a ClaimError when a claim is wrong.
 *
 * @param {Members} claims
 * @returns {{ attestation: Attestation, result: string }}
 */
export function readClaims(claims) {
  const { iss, sub, iat, exp, res } = claims;
  demand(claims.aud === undefined, "The token is meant for one audience."); // RFC 7519 4.1.3
  demand(claims.nbf === undefined, "The token has the claim nbf."); // RFC 7519 4.1.5
  demand(isHttpsId(iss), "The issuer is not an https id.");
  demand(isHash(sub), "The subject is not a hash string.");
  demand(typeof res === "string", "The token states no result.");
  demand(isWhole(iat) && isWhole(exp), "The times are not whole seconds.");
  demand(exp > iat && exp - iat <= MAX_LIFETIME, "The token's lifetime is not between 1 second and 30 days.");
  const attestation = {
    issuer: iss,
    digest: sub,
    issuedAt: iat,
    expiresAt: exp,
    jti: readJti(claims.jti),
    checks: readChecks(claims.chk),
    alternatives: claims.alt === undefined ? {} : readAlternatives(claims.alt),
    ...(claims.med === undefined ? {} : { medium: readMedium(claims.med) }),
    ...(claims.status === undefined ? {} : { status: readStatus(claims.status) }),
  };
  return { attestation, result: res };
}

/** @param {unknown} value */
function readJti(value) {
  const jti = typeof value === "string" ? decodeBase64url(value) : null;
  demand(jti !== null && jti.length === JTI_BYTES, "The token's id is not 16 bytes.");
  return jti;
}

/**
 * @param {unknown} value
 * @returns {Check[]}
 */
function readChecks(value) {
  demand(
    Array.isArray(value) && value.length >= 1 && value.length <= MAX_CHECKS,
    "The token does not name 1 to 8 checks.",
  );
  return value.map(readCheck);
}

/**
 * @param {unknown} entry
 * @returns {Check}
 */
function readCheck(entry) {
  const { alg, list, at } = membersOf(entry);
  demand(
    isText(alg, ALGORITHM) && isHttpsId(list) && (at === undefined || isWhole(at)),
    "A check does not name a method and a list.",
  );
  return { algorithm: alg, list, ...(at === undefined ? {} : { checkedAt: at }) };
}

/**
 * @param {unknown} value
 * @returns {Record<string, string>}
 */
function readAlternatives(value) {
  const pairs = Object.entries(membersOf(value));
  demand(
    pairs.length >= 1 &&
      pairs.length <= MAX_CHECKS &&
      pairs.every(([name, digest]) => ALGORITHM.test(name) && isText(digest, HEX)),
    "A further digest is not lower-case hex.",
  );
  return /** @type {Record<string, string>} */ (Object.fromEntries(pairs));
}

/**
 * @param {unknown} value
 * @returns {Medium}
 */
function readMedium(value) {
  const { type, size } = membersOf(value);
  demand(isText(type, MEDIA_TYPE) && isWhole(size), "The medium's type or size is not in order.");
  return { type, size };
}

/**
 * @param {unknown} value
 * @returns {StatusReference}
 */
function readStatus(value) {
  const { uri, idx } = membersOf(membersOf(value).status_list); // draft-ietf-oauth-status-list
  demand(isHttpsId(uri) && isWhole(idx), "The status reference is not in order.");
  return { uri, index: idx };
}

/**
 * @param {unknown} value
 * @returns {Members}
 */
function membersOf(value) {
  demand(isObject(value), "A claim that should be an object is not.");
  return value;
}

/**
 * @param {unknown} value
 * @param {RegExp} grammar
 * @returns {value is string}
 */
function isText(value, grammar) {
  return typeof value === "string" && grammar.test(value);
}

/**
 * @param {boolean} condition
 * @param {string} otherwise
 * @returns {asserts condition}
 */
function demand(condition, otherwise) {
  if (!condition) throw new ClaimError(otherwise);
}
