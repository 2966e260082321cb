/**
 * Compact JWS: reading one strictly, and writing the one form that is issued (RFC 7515, RFC 7519, RFC 8725).
 *
 * Nothing here checks a signature; `readToken` gives what must be known before a key can be looked for.
 *
 * @module
 */

import { decodeBase64url, encodeBase64url, encodeUtf8 } from "./bytes.js";
import { fromDataUrl } from "./data-url.js";
import { failed } from "./model.js";
import { isHttpsId } from "./origin.js";
import { readObject, writeCanonical } from "./strict-json.js";

/** @import { Failed } from "./model.js" */
/** @import { Members } from "./strict-json.js" */

/** The only `typ`: no other kind of JWT can be passed off as an attestation (RFC 8725 3.11). */
export const TOKEN_TYPE = "media-attestation+jwt";

const ALGORITHM = "EdDSA"; // RFC 8037 3.1
const ALGORITHMS = [ALGORITHM, "Ed25519"]; // RFC 9864 2.2

/** Header parameters that bring their own key, change what is signed, or must be understood (RFC 7515 4.1). */
const REFUSED = ["crit", "jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256", "b64", "zip"];

/**
 * A token whose form and header are in order. `claims` are as unverified as everything else in it.
 *
 * @typedef {object} Token
 * @property {string} kid
 * @property {Members} claims
 * @property {Uint8Array} signingInput
 * @property {Uint8Array} signature
 */

/**
 * The token in an attestation string, or the verdict of step 1 or 2.
 *
 * Duplicate names are refused here already, in the claims too: the steps before the signature need `iss`, and must not
 * read another one than the last step does.
 *
 * @param {unknown} attestation
 * @returns {{ token: Token } | { token: null, failure: Failed<"malformed", 1 | 2> }}
 */
export function readToken(attestation) {
  const jws = fromDataUrl(attestation);
  if (jws === null) return malformed(1, "The attestation is not a data: URL with a compact JWS of allowed length.");
  const parts = readParts(jws);
  if (parts === null) return malformed(1, "A part of the token is not strict base64url or not a strict JSON object.");
  const { header, ...rest } = parts;
  const fault = headerFault(header, TOKEN_TYPE);
  if (fault !== null) return malformed(2, fault);
  return { token: { kid: /** @type {string} */ (header.kid), ...rest } };
}

/**
 * What the parts of a compact JWS hold, or null when one is not strict base64url or not a strict JSON object.
 *
 * @param {string} jws of three parts
 * @returns {Omit<Token, "kid"> & { header: Members } | null}
 */
export function readParts(jws) {
  const parts = jws.split(".").map(decodeBase64url);
  const [header, claims] = parts.slice(0, 2).map((part) => part && readObject(part));
  const signature = parts[2];
  if (!header || !claims || !signature) return null;
  return { header, claims, signature, signingInput: encodeUtf8(jws.slice(0, jws.lastIndexOf("."))) };
}

/**
 * What is wrong with the header of a token of this `typ`, as a sentence for people; null when nothing is.
 *
 * @param {Members} header
 * @param {string} type
 * @returns {string | null}
 */
export function headerFault(header, type) {
  const { alg, typ, kid } = header;
  if (!ALGORITHMS.some((known) => known === alg)) return "The token's algorithm is not EdDSA."; // RFC 8725 3.1
  if (typ !== type) return "The token is of another type.";
  if (!isHttpsId(kid)) return "The token does not name its key by an https id.";
  if (REFUSED.some((name) => name in header)) return "The token's header has a parameter that is refused.";
  return null;
}

/**
 * The compact JWS of some claims.
 *
 * @param {{ type: string, kid: string, claims: object, sign: (input: Uint8Array) => Promise<Uint8Array> }} statement
 *   `type` is the `typ`; `sign` gives the 64 bytes of the Ed25519 signature of the signing input
 * @returns {Promise<string>}
 */
export async function writeToken({ type, kid, claims, sign }) {
  const header = { alg: ALGORITHM, kid, typ: type };
  const input = [header, claims].map((part) => encodeBase64url(writeCanonical(part))).join(".");
  return `${input}.${encodeBase64url(await sign(encodeUtf8(input)))}`;
}

/**
 * @param {1 | 2} step
 * @param {string} reason
 */
function malformed(step, reason) {
  return { token: null, failure: failed("malformed", step, reason) };
}
