/**
 * Base58 with Bitcoin's alphabet (draft-msporny-base58; Multibase prefix `z`), for keys and digests.
 *
 * @module
 */

const ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/** The work grows with the square of the length, and nothing here is longer. */
const LONGEST = 128;

/**
 * The base58btc text of some bytes, without a Multibase prefix.
 *
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export function encodeBase58(bytes) {
  /** @type {number[]} */
  const digits = []; // least significant first
  for (const byte of bytes) {
    let carry = byte;
    for (let place = 0; place < digits.length; place++) {
      carry += digits[place] * 256;
      digits[place] = carry % 58;
      carry = Math.floor(carry / 58);
    }
    for (; carry > 0; carry = Math.floor(carry / 58)) digits.push(carry % 58);
  }
  const zeros = leading(bytes, 0);
  return ALPHABET[0].repeat(zeros) + digits.reverse().map((digit) => ALPHABET[digit]).join("");
}

/**
 * The bytes that a text stands for, or null when it is not base58btc or longer than 128 characters.
 *
 * @param {string} text
 * @returns {Uint8Array | null}
 */
export function decodeBase58(text) {
  if (text.length > LONGEST) return null;
  const values = Array.from(text, (character) => ALPHABET.indexOf(character));
  if (values.includes(-1)) return null;
  /** @type {number[]} */
  const bytes = []; // least significant first
  for (const value of values) {
    let carry = value;
    for (let place = 0; place < bytes.length; place++) {
      carry += bytes[place] * 58;
      bytes[place] = carry & 0xff;
      carry >>= 8;
    }
    for (; carry > 0; carry >>= 8) bytes.push(carry & 0xff);
  }
  const decoded = new Uint8Array(leading(values, 0) + bytes.length);
  decoded.set(bytes.reverse(), decoded.length - bytes.length);
  return decoded;
}

/**
 * How many members from the first on are `value`.
 *
 * @param {ArrayLike<number>} members
 * @param {number} value
 */
function leading(members, value) {
  let count = 0;
  while (count < members.length && members[count] === value) count++;
  return count;
}
