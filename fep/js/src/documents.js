/**
 * Where attestations stand in ActivityStreams documents (profile V-03 to V-06, W-05): properties are read by their names,
 * no context is looked at, and nothing is fetched.
 *
 * @module
 */

import { fromMultibase } from "./digest.js";

const MEDIA = new Set(["Image", "Document", "Video", "Audio"]);
const PLACES = ["attachment", "image", "icon", "preview"];
const MOST_CLAIMS = 4; // V-04
const MOST_MEDIA = 64;
const DEEPEST = 4;

/**
 * What a document says about one medium. `url` is null where attestations stand beside no medium, as in a relay's
 * Announce. `hashes` are hash strings, those of `digestMultibase` (FEP-1311) included.
 *
 * @typedef {{ url: string | null, hashes: string[], attestations: string[] }} Claims
 */

/**
 * The media of an activity or object with what it claims about each, in the document's order. Total: what is of no use
 * is left out, and at most 64 media are read.
 *
 * @param {unknown} document
 * @returns {Claims[]}
 */
export function claimsIn(document) {
  const activity = record(document);
  if (activity === null) return [];
  const beside = strings(activity.mediaAttestation);
  if (beside.length > 0) return [{ url: null, hashes: [], attestations: beside }];
  const post = "actor" in activity ? record(flat(activity.object)[0]) : activity;
  if (post === null) return [];
  const found = [...(typesOf(post).some((type) => MEDIA.has(type)) ? [post] : []), ...members(post)];
  return found.flatMap(claimsOf).slice(0, MOST_MEDIA);
}

/** @param {Record<string, unknown>} post */
function members(post) {
  return PLACES.flatMap((place) => flat(post[place]))
    .map(record)
    .filter((member) => member !== null)
    .filter((member) => typesOf(member).some((type) => MEDIA.has(type) || type === "Link"));
}

/**
 * @param {Record<string, unknown>} member
 * @returns {Claims[]}
 */
function claimsOf(member) {
  for (const place of [...flat(member.url), ...flat(member.href)]) {
    const link = record(place);
    const url = link === null ? place : flat(link.href)[0];
    if (typeof url !== "string") continue;
    return [
      {
        url,
        hashes: hashesOf(member, link ?? {}),
        attestations: claimed(member, link ?? {}, "attestation").slice(0, MOST_CLAIMS),
      },
    ];
  }
  return [];
}

/**
 * @param {Record<string, unknown>} member
 * @param {Record<string, unknown>} link
 */
function hashesOf(member, link) {
  const digests = claimed(member, link, "digestMultibase").slice(0, MOST_CLAIMS).map(fromMultibase);
  const all = [...claimed(member, link, "hash").slice(0, MOST_CLAIMS), ...digests.filter((hash) => hash !== null)];
  return [...new Set(all)].slice(0, MOST_CLAIMS);
}

/**
 * The strings of a property of the medium, else of the Link in its `url`.
 *
 * @param {Record<string, unknown>} member
 * @param {Record<string, unknown>} link
 * @param {string} name
 */
function claimed(member, link, name) {
  const own = strings(member[name]);
  return own.length > 0 ? own : strings(link[name]);
}

/** @param {unknown} value */
const strings = (value) => flat(value).filter((each) => typeof each === "string");

/** @param {Record<string, unknown>} object */
const typesOf = (object) => strings(object.type);

/**
 * @param {unknown} value
 * @returns {Record<string, unknown> | null}
 */
function record(value) {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject ? /** @type {Record<string, unknown>} */ (value) : null;
}

/**
 * The members of an array, or the value alone; none for null (JSON-LD 1.1 1.8).
 *
 * @param {unknown} value
 * @returns {unknown[]}
 */
function flat(value) {
  if (value === null || value === undefined) return [];
  return Array.isArray(value) ? value.flat(DEEPEST) : [value];
}
