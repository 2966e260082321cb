/**
 * The `Media-Attestation` header: a List of Strings (RFC 9651 3.1), each of them one compact JWS.
 *
 * At most 7 tokens and 4096 bytes. Order means nothing: tokens are matched to media by `sub`. Members carry no
 * parameters. A field that breaks a rule is ignored as a whole (RFC 9651 2), and the activity is processed as if it
 * were not there.
 *
 * @module
 */

import { isCompactJws } from "./data-url.js";

/** Name of the header, which the delivery's HTTP signature covers. */
export const HEADER_NAME = "Media-Attestation";

const MAX_TOKENS = 7;
const MAX_BYTES = 4096;
/** A JWS holds neither quotes nor backslashes, so no escape of RFC 9651 3.3.3 can occur in a member. */
const MEMBER = /^"([^"\\]*)"$/;

/**
 * The value of the header for compact JWSs, most important first; what is over the cap is left out. Empty when there is
 * nothing to send: then the header is not sent (RFC 9651 3.1). Throws a TypeError when a token is no compact JWS.
 *
 * @param {Iterable<string>} tokens
 * @returns {string}
 */
export function formatHeader(tokens) {
  let value = "";
  let count = 0;
  for (const token of tokens) {
    if (!isCompactJws(token)) throw new TypeError("not a compact JWS");
    const longer = `${value}${value && ", "}"${token}"`;
    if (++count > MAX_TOKENS || longer.length > MAX_BYTES) break;
    value = longer;
  }
  return value;
}

/**
 * The compact JWSs in the header's value, none verified; none when it is to be ignored. Never throws.
 *
 * `value` is what `Headers.get` or Node's `request.headers` give; an array of lines is joined (RFC 9651 4.2).
 *
 * @param {string | readonly string[] | null | undefined} value
 * @returns {string[]}
 */
export function parseHeader(value) {
  const field = Array.isArray(value) ? value.join(", ") : value;
  if (typeof field !== "string" || field.length > MAX_BYTES) return [];
  const list = strip(field, " "); // RFC 9651 4.2: SP only
  if (!list.startsWith('"') || !list.endsWith('"')) return [];
  const members = list.split(",").map((member) => MEMBER.exec(strip(member, " \t"))?.[1]); // RFC 9651 4.2.1: OWS
  return members.length <= MAX_TOKENS && members.every(isCompactJws) ? members : [];
}

/**
 * A text without such characters at its ends, in one pass, which a regular expression would not be.
 *
 * @param {string} text
 * @param {string} characters
 */
function strip(text, characters) {
  let start = 0;
  let end = text.length;
  while (start < end && characters.includes(text[start])) start++;
  while (end > start && characters.includes(text[end - 1])) end--;
  return text.slice(start, end);
}
