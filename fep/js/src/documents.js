/**
 * What a document says beside each of its media (profile V-03 to V-06, W-05): the properties `hash` and `attestation`
 * (FEP-b53d), `digestMultibase` (FEP-1311), and `mediaAttestation` of a relay's Announce.
 *
 * Properties are read by their names, and no context is fetched for it. What is embedded in `inReplyTo` or stands in `tag`
 * is somebody else's, or no medium of the post.
 *
 * @module
 */

import { fromMultibase } from "./digest.js";
import { isObject } from "./strict-json.js";

/** @import { Members } from "./strict-json.js" */

/**
 * @typedef {object} MediumClaims
 * @property {string | null} url where the medium is; null for what an Announce carries, which is matched by its digest
 * @property {string[]} hashes for `declaredHashes` of `verify`
 * @property {string[]} attestations strings found, none of them verified; one that is valid is enough
 */

const MEDIA = ["Image", "Document", "Video", "Audio"];
const LISTED = [...MEDIA, "Link"];
const SHOWN = ["attachment", "image", "icon", "preview"];
const MAX_STRINGS = 4; // V-04
const MAX_MEDIA = 64;
const MAX_DEPTH = 8;

/**
 * The media of an object, or of the object of an activity, each with what is claimed of it; 64 of them at most. Nothing
 * for what is no document. Never throws.
 *
 * @param {unknown} document parsed JSON
 * @returns {MediumClaims[]}
 */
export function mediaIn(document) {
  if (!isObject(document)) return [];
  const announced = stringsOf(document.mediaAttestation);
  if (isOneOf(["Announce"], document) && announced.length > 0) {
    return [{ url: null, hashes: [], attestations: announced }];
  }
  const [embedded] = "actor" in document ? membersOf(document.object) : [];
  const subject = isObject(embedded) ? embedded : document;
  const shown = SHOWN.flatMap((name) => membersOf(subject[name]).filter(isObject));
  const found = [...(isOneOf(MEDIA, subject) ? [subject] : []), ...shown.filter((entry) => isOneOf(LISTED, entry))];
  return found.flatMap(claimsOf).slice(0, MAX_MEDIA);
}

/**
 * @param {Members} entry
 * @returns {MediumClaims[]}
 */
function claimsOf(entry) {
  const link = [...membersOf(entry.url), entry].find(addressOf);
  if (link === undefined) return [];
  const beside = isObject(link) ? link : {};
  /** @param {string} name */
  const found = (name) => {
    const own = stringsOf(entry[name]);
    return own.length > 0 ? own : stringsOf(beside[name]);
  };
  const digests = found("digestMultibase").flatMap((text) => fromMultibase(text) ?? []);
  const hashes = [...new Set([...found("hash"), ...digests])].slice(0, MAX_STRINGS);
  return [{ url: addressOf(link), hashes, attestations: found("attestation") }];
}

/**
 * The address that a string or a Link is.
 *
 * @param {unknown} link
 * @returns {string | null}
 */
function addressOf(link) {
  if (typeof link === "string") return link;
  return isObject(link) ? (stringsOf(link.href)[0] ?? null) : null;
}

/**
 * @param {string[]} types
 * @param {Members} object
 */
function isOneOf(types, object) {
  return membersOf(object.type).some((type) => types.some((known) => known === type));
}

/**
 * The first four strings of a property that is one or an array.
 *
 * @param {unknown} value
 * @returns {string[]}
 */
function stringsOf(value) {
  return membersOf(value)
    .filter((member) => typeof member === "string")
    .slice(0, MAX_STRINGS);
}

/**
 * The members of an array and of arrays in it, or the value itself (JSON-LD 1.1 1.8: sets do not nest).
 *
 * @param {unknown} value
 * @returns {unknown[]}
 */
function membersOf(value) {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value.flat(MAX_DEPTH) : [value];
}
