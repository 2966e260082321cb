/**
 * Bytes as text: base64url, hex and UTF-8, each with one spelling only.
 *
 * @module
 */

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** Values by character code, 255 for what is no base64url character. */
const VALUES = new Uint8Array(128).fill(255);
for (let value = 0; value < 64; value++) VALUES[ALPHABET.charCodeAt(value)] = value;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/**
 * Base64url without padding (RFC 7515 2).
 *
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export function encodeBase64url(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const group = (bytes[at] << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    text += ALPHABET[group >> 18] + ALPHABET[(group >> 12) & 63];
    if (at + 1 < bytes.length) text += ALPHABET[(group >> 6) & 63];
    if (at + 2 < bytes.length) text += ALPHABET[group & 63];
  }
  return text;
}

/**
 * The bytes of a base64url text, or null unless it is the very text that `encodeBase64url` gives for them: padding,
 * foreign characters and stray bits at the end are refused (RFC 4648 3.2, 3.3, 3.5), so one token has one spelling.
 *
 * @param {string} text
 * @returns {Uint8Array | null}
 */
export function decodeBase64url(text) {
  if (text.length % 4 === 1) return null;
  const bytes = new Uint8Array(Math.floor((text.length * 6) / 8));
  let held = 0;
  let bits = 0;
  let filled = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const value = code < 128 ? VALUES[code] : 255;
    if (value === 255) return null;
    held = ((held << 6) | value) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[filled++] = held >> bits;
    }
  }
  const stray = held & ((1 << bits) - 1);
  return stray === 0 ? bytes : null;
}

/**
 * Lower-case hex.
 *
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * The bytes of an even number of hex digits.
 *
 * @param {string} hex
 * @returns {Uint8Array}
 */
export function fromHex(hex) {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/**
 * The text that the bytes are in UTF-8, or null when they are not. A byte order mark stays in it.
 *
 * @param {Uint8Array} bytes
 * @returns {string | null}
 */
export function decodeUtf8(bytes) {
  try {
    return utf8.decode(bytes);
  } catch {
    return null;
  }
}

/**
 * UTF-8 bytes.
 *
 * @param {string} text
 * @returns {Uint8Array}
 */
export function encodeUtf8(text) {
  return encoder.encode(text);
}

/**
 * The same bytes, for WebCrypto, whose types refuse shared memory; at run time WebCrypto refuses it itself.
 *
 * @param {Uint8Array | ArrayBuffer} bytes
 * @returns {Uint8Array<ArrayBuffer> | ArrayBuffer}
 */
export function unshared(bytes) {
  return /** @type {Uint8Array<ArrayBuffer> | ArrayBuffer} */ (bytes);
}

/**
 * Whether the first bytes are `prefix` and as many as `length` come after it.
 *
 * @param {Uint8Array} bytes
 * @param {number[]} prefix
 * @param {number} length
 */
export function isPrefixed(bytes, prefix, length) {
  return bytes.length === prefix.length + length && prefix.every((byte, at) => bytes[at] === byte);
}
