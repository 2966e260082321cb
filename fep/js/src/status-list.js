/**
 * Status lists: one bit for each of many attestations, which tells that it was retracted (draft-ietf-oauth-status-list,
 * sections 4, 5.1 and 8).
 *
 * A list is fetched as a whole and kept, so that its issuer does not learn which attestation is looked at. Those that are
 * written have one bit for each index; two, four and eight are read, and any value but 0 counts as retracted.
 *
 * @module
 */

import { decodeBase64url, encodeBase64url, unshared } from "./bytes.js";
import { requireSeconds } from "./issue.js";
import { findKey } from "./keys.js";
import { CLOCK_SKEW } from "./model.js";
import { originOf } from "./origin.js";
import { isSigned, signWith } from "./signing.js";
import { isObject, isWhole } from "./strict-json.js";
import { headerFault, readParts, writeToken } from "./token.js";

/** @import { Status } from "./model.js" */
/** @import { SigningKey } from "./signing.js" */
/** @import { Members } from "./strict-json.js" */

/** The `typ` of the token; its media type is `application/statuslist+jwt` (5.1). */
export const STATUS_LIST_TYPE = "statuslist+jwt";

/** Longest token that is read, in characters; and largest list, in bytes after decompression. */
const MAX_TOKEN = 1024 * 1024;
const MAX_BYTES = 1024 * 1024;

const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]+$/;
const BITS = [1, 2, 4, 8];

/**
 * What a list says, whose signature was good. Times are seconds since the epoch. `statuses` has `bits` bits for each
 * index. It may be used until `expiresAt`, and should be fetched again after `ttl` seconds.
 *
 * @typedef {object} ListedStatuses
 * @property {string} uri its address
 * @property {string} issuer the actor whose key signed it
 * @property {1 | 2 | 4 | 8} bits
 * @property {Uint8Array} statuses
 * @property {number} issuedAt
 * @property {number | null} expiresAt
 * @property {number | null} ttl
 */

export class StatusList {
  /** @param {ListedStatuses} listed */
  constructor({ uri, issuer, bits, statuses, issuedAt, expiresAt, ttl }) {
    this.uri = uri;
    this.issuer = issuer;
    this.bits = bits;
    this.statuses = statuses;
    this.issuedAt = issuedAt;
    this.expiresAt = expiresAt;
    this.ttl = ttl;
  }

  /**
   * What the list says of an index: `unavailable` when it has ended or has no such index (8).
   *
   * @param {number} index
   * @param {{ now: number }} when seconds since the epoch
   * @returns {Status}
   */
  status(index, { now }) {
    if (this.expiresAt !== null && this.expiresAt <= now) return "unavailable";
    const perByte = 8 / this.bits;
    const place = Math.floor(index / perByte);
    if (!isWhole(index) || place >= this.statuses.length) return "unavailable";
    // 4.1: the first of the statuses in a byte is in its least significant bits
    const value = (this.statuses[place] >> ((index % perByte) * this.bits)) & ((1 << this.bits) - 1);
    return value === 0 ? "standing" : "revoked";
  }
}

/**
 * The token of a list with one bit for each of `size` indexes, of which `revoked` are set.
 *
 * Throws a TypeError for an index that is not in the list, for a size that is not a multiple of 8, and for another
 * origin.
 *
 * @param {object} list
 * @param {SigningKey} list.privateKey
 * @param {string} list.kid https id of the key, of the issuer's origin
 * @param {string} list.issuer https id of the actor
 * @param {string} list.uri https address of the list, of the same origin
 * @param {number} list.size number of indexes
 * @param {Iterable<number>} list.revoked
 * @param {number} list.now seconds since the epoch
 * @param {number} list.lifetime seconds for which it may be used
 * @param {number} list.ttl seconds after which it should be fetched again
 * @returns {Promise<string>}
 */
export async function writeStatusList({ privateKey, kid, issuer, uri, size, revoked, now, lifetime, ttl }) {
  requireSeconds(now);
  if (!isWhole(size) || size === 0 || size % 8 !== 0 || size > MAX_BYTES * 8) {
    throw new TypeError("the size is not a multiple of 8, or too large");
  }
  if (!isWhole(lifetime) || lifetime === 0 || !isWhole(ttl) || ttl === 0) {
    throw new TypeError("lifetime and ttl are whole seconds");
  }
  const origin = originOf(uri);
  if (origin === null || origin !== originOf(kid) || origin !== originOf(issuer)) {
    throw new TypeError("the list is not of the key's origin");
  }
  const statuses = new Uint8Array(size / 8);
  for (const index of revoked) {
    if (!isWhole(index) || index >= size) throw new TypeError("an index is not in the list");
    statuses[index >> 3] |= 1 << index % 8;
  }
  const lst = encodeBase64url(await collect(statuses, new CompressionStream("deflate")));
  const claims = { iss: issuer, sub: uri, iat: now, exp: now + lifetime, ttl, status_list: { bits: 1, lst } };
  return await writeToken({ type: STATUS_LIST_TYPE, kid, claims, sign: (input) => signWith(privateKey, input) });
}

/**
 * The list in a token that was fetched from `uri`, or null when anything about it is not in order, whatever it is.
 *
 * `issuer` is the actor that the list has to be of, and `actor` its document; the list has to be of its origin, too, so
 * that nobody can make a verifier fetch from elsewhere.
 *
 * @param {unknown} token
 * @param {{ uri: string, issuer: string, actor: unknown, now: number }} expected
 * @returns {Promise<StatusList | null>}
 */
export async function readStatusList(token, { uri, issuer, actor, now }) {
  requireSeconds(now);
  if (typeof token !== "string" || token.length > MAX_TOKEN || !COMPACT.test(token)) return null;
  if (originOf(uri) === null || originOf(uri) !== originOf(issuer)) return null;
  const parts = readParts(token);
  if (parts === null || headerFault(parts.header, STATUS_LIST_TYPE) !== null) return null;
  const found = findKey(actor, { kid: /** @type {string} */ (parts.header.kid), issuer, now });
  if (found.key === null || !(await isSigned(parts, found.key.publicKey))) return null;
  return await listIn(parts.claims, { uri, issuer, now });
}

/**
 * @param {Members} claims
 * @param {{ uri: string, issuer: string, now: number }} expected
 * @returns {Promise<StatusList | null>}
 */
async function listIn(claims, { uri, issuer, now }) {
  const { iat, status_list: list } = claims;
  const [exp, ttl] = [claims.exp ?? null, claims.ttl ?? null];
  if (claims.sub !== uri || ("iss" in claims && claims.iss !== issuer)) return null;
  if (!isWhole(iat) || iat > now + CLOCK_SKEW) return null;
  if (exp !== null && !(isWhole(exp) && exp > now)) return null;
  if (ttl !== null && !(isWhole(ttl) && ttl > 0)) return null;
  if (!isObject(list) || typeof list.lst !== "string") return null;
  const bits = BITS.find((each) => each === list.bits);
  const packed = decodeBase64url(list.lst);
  if (bits === undefined || packed === null) return null;
  const statuses = await unpacked(packed);
  if (statuses === null) return null;
  return new StatusList({ uri, issuer, bits: /** @type {1 | 2 | 4 | 8} */ (bits), statuses, issuedAt: iat, expiresAt: exp, ttl });
}

/**
 * The array in its ZLIB form (4.1, RFC 1950); null for anything else, and for more than `MAX_BYTES`.
 *
 * @param {Uint8Array} packed
 */
async function unpacked(packed) {
  try {
    return await collect(packed, new DecompressionStream("deflate"));
  } catch (problem) {
    if (problem instanceof TypeError || problem instanceof RangeError) return null;
    throw problem;
  }
}

/**
 * What comes out of a stream for these bytes. Throws a RangeError when it is more than `MAX_BYTES`, a TypeError when the
 * stream refuses them.
 *
 * @param {Uint8Array} bytes
 * @param {CompressionStream | DecompressionStream} through
 */
async function collect(bytes, through) {
  const reader = new Blob([unshared(bytes)]).stream().pipeThrough(through).getReader();
  const chunks = [];
  let size = 0;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    chunks.push(next.value);
    size += next.value.length;
    if (size > MAX_BYTES) {
      await reader.cancel();
      throw new RangeError("more than a list may have");
    }
  }
  const all = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
