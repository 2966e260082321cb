/**
 * The issuer's keys in its actor document: FEP-521a Multikeys under `assertionMethod`.
 *
 * The document comes from the caller, who fetched it from the issuer's id; nothing in it is trusted to have a shape.
 *
 * @module
 */

import { failed } from "./model.js";
import { decodeMultikey, encodeMultikey } from "./multikey.js";
import { isObject, isWhole } from "./strict-json.js";

/** @import { Failed, IssuerKey } from "./model.js" */

/** XML Schema 1.1 dateTimeStamp (CID 1.0 2.2), with years of four digits and hours up to 23. */
const TIMESTAMP =
  /^(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.\d+)?(?:Z|([+-])(0\d|1[0-3]|14(?=:00)):([0-5]\d))$/;

/** The last second of the year 9999. */
const LATEST = 253_402_300_799;

/**
 * The key `kid` of the actor `issuer`, or `unknown-key` or `revoked-key`, both of step 5.
 *
 * `assertionMethod` may be an array or a single object; entries are embedded. The entry has the id `kid`, the type
 * Multikey and the controller `issuer` (FEP-521a), an Ed25519 key, and is neither expired nor revoked at `now`
 * (CID 1.0 2.2). Two entries with one id are ambiguous: unknown. A time that cannot be read counts as past.
 *
 * @param {unknown} actor parsed actor document
 * @param {{ kid: string, issuer: string, now: number }} wanted `now` in seconds since the epoch
 * @returns {{ key: IssuerKey } | { key: null, failure: Failed<"unknown-key" | "revoked-key", 5> }}
 */
export function findKey(actor, { kid, issuer, now }) {
  if (!isObject(actor) || actor.id !== issuer) {
    return unknown("The document that was given for the issuer has another id."); // FEP-fe34
  }
  const listed = actor.assertionMethod; // JSON-LD makes a single value and an array of one the same
  const named = (Array.isArray(listed) ? listed : [listed]).filter(isObject).filter((entry) => entry.id === kid);
  if (named.length !== 1) return unknown("The issuer does not publish the key that the token names.");
  const [entry] = named;
  const publicKey = decodeMultikey(entry.publicKeyMultibase);
  if (entry.type !== "Multikey" || entry.controller !== issuer || publicKey === null) {
    return unknown("The key that the token names is not an Ed25519 Multikey of the issuer.");
  }
  const expires = secondsOf(entry.expires);
  const revoked = secondsOf(entry.revoked);
  if ((expires ?? Infinity) <= now || (revoked ?? Infinity) <= now) {
    return { key: null, failure: failed("revoked-key", 5, "The issuer's key has expired or was revoked.") };
  }
  return { key: { kid, controller: issuer, publicKey, expires, revoked } };
}

/**
 * The entry of `assertionMethod` that publishes a key (FEP-521a). Throws a TypeError when it has not 32 bytes, or a time
 * that is not a number of whole seconds before the year 10000.
 *
 * @param {IssuerKey} key
 * @returns {Record<string, string>}
 */
export function describeKey({ kid, controller, publicKey, expires, revoked }) {
  return {
    id: kid,
    type: "Multikey",
    controller,
    publicKeyMultibase: encodeMultikey(publicKey),
    ...(expires === undefined ? {} : { expires: timestamp(expires) }),
    ...(revoked === undefined ? {} : { revoked: timestamp(revoked) }),
  };
}

/** @param {string} reason */
function unknown(reason) {
  return { key: null, failure: failed("unknown-key", 5, reason) };
}

/** @param {number} seconds */
function timestamp(seconds) {
  if (!isWhole(seconds) || seconds > LATEST) throw new TypeError("a key's times are whole seconds, before the year 10000");
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}

/**
 * Whole seconds since the epoch; undefined when not set, the epoch itself when it cannot be read.
 *
 * @param {unknown} value
 * @returns {number | undefined}
 */
function secondsOf(value) {
  if (value === undefined || value === null) return undefined;
  const found = typeof value === "string" ? TIMESTAMP.exec(value) : null;
  if (found === null) return 0;
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map(Number);
  if (year < 1970) return 0; // `Date.UTC` takes the first hundred years for others
  const date = new Date(Date.UTC(year, month - 1, day));
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return 0; // no day of the calendar
  const offset = found[7] === undefined ? 0 : (Number(found[8]) * 60 + Number(found[9])) * (found[7] === "-" ? -60 : 60);
  return date.getTime() / 1000 + hour * 3600 + minute * 60 + second - offset;
}
