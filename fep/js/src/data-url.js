/**
 * The attestation string: a compact JWS behind `data:application/jwt,` (RFC 2397; media type RFC 7519 10.3.1).
 *
 * The prefix makes it an absolute IRI, which JSON-LD keeps and linked-data signatures cover; a bare JWS under a term
 * typed `@id` is dropped before signing.
 *
 * @module
 */

const PREFIX = "data:application/jwt,";
const MAX_LENGTH = 2048;
const COMPACT_JWS = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/**
 * Whether a text has the outward form of a compact JWS and fits into an attestation string of 2048 characters: three
 * parts of base64url characters, none empty, no padding (RFC 7515 7.1). What the parts hold is not looked at.
 *
 * @param {unknown} text
 * @returns {text is string}
 */
export function isCompactJws(text) {
  return typeof text === "string" && text.length <= MAX_LENGTH - PREFIX.length && COMPACT_JWS.test(text);
}

/**
 * The attestation string of a compact JWS. Throws a TypeError when it is none, or too long.
 *
 * @param {string} jws
 * @returns {string}
 */
export function toDataUrl(jws) {
  if (!isCompactJws(jws)) throw new TypeError("not a compact JWS, or too long");
  return PREFIX + jws;
}

/**
 * The compact JWS in an attestation string, or null when it breaks the grammar or the length.
 *
 * @param {unknown} attestation
 * @returns {string | null}
 */
export function fromDataUrl(attestation) {
  if (typeof attestation !== "string" || !attestation.startsWith(PREFIX)) return null;
  const jws = attestation.slice(PREFIX.length);
  return isCompactJws(jws) ? jws : null;
}
