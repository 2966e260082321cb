/**
 * Origins of https ids: host and port, for comparing who may speak for whom (FEP-fe34, RFC 6454 4).
 *
 * `URL` is not asked: it repairs what it reads (white space, backslashes, upper case, numbers for hosts), and two
 * parsers that repair differently see two origins. What this narrow grammar does not read is no id.
 *
 * @module
 */

const CHARACTERS = "(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*";
const HOST = "[A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\]";
const HTTPS_ID = new RegExp(`^https://(${HOST})(?::([1-9][0-9]{0,4}))?(?:[/?]${CHARACTERS})?(?:#${CHARACTERS})?$`);
const DEFAULT_PORT = "443"; // RFC 9110 4.2.2

/**
 * The origin of an https id, such as `https://relay.example` or `https://relay.example:8443`: the host in lower case,
 * the default port left out. Null when it is not an https id (RFC 3986, ASCII only, no user information).
 *
 * @param {unknown} id
 * @returns {string | null}
 */
export function originOf(id) {
  const found = typeof id === "string" ? HTTPS_ID.exec(id) : null;
  if (found === null) return null;
  const [, host, port = DEFAULT_PORT] = found;
  return `https://${host.toLowerCase()}${port === DEFAULT_PORT ? "" : `:${port}`}`;
}

/**
 * Whether a value is a string that can be an actor's, a key's or a list's id.
 *
 * @param {unknown} value
 * @returns {value is string}
 */
export function isHttpsId(value) {
  return originOf(value) !== null;
}
