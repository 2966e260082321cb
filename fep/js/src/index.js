/**
 * Media Attestation JWT v1: statements that media was checked and that no known match was found.
 *
 * Nothing is fetched, logged or stored, and no clock is read. `verify` answers with a value for every input; a TypeError
 * is a mistake in the calling code. Needs WebCrypto with Ed25519, and nothing else.
 *
 * @module
 */

export { fromDataUrl, isCompactJws, toDataUrl } from "./data-url.js";
export { digestOf, fromMultibase, isHash, toMultibase } from "./digest.js";
export { mediaIn } from "./documents.js";
export { HEADER_NAME, formatHeader, parseHeader } from "./header.js";
export { issue } from "./issue.js";
export { describeKey, findKey } from "./keys.js";
export { CLOCK_SKEW, DEFAULT_LIFETIME, MAX_LIFETIME, STEPS, VERDICTS } from "./model.js";
export { decodeMultikey, encodeMultikey } from "./multikey.js";
export { originOf } from "./origin.js";
export { importSeed } from "./signing.js";
export { STATUS_LIST_TYPE, StatusList, readStatusList, writeStatusList } from "./status-list.js";
export { unverified, verify } from "./verify.js";

/** @typedef {import("./documents.js").MediumClaims} MediumClaims */
/** @typedef {import("./signing.js").SigningKey} SigningKey */
/** @typedef {import("./issue.js").Statement} Statement */
/** @typedef {import("./model.js").Attestation} Attestation */
/** @typedef {import("./model.js").Check} Check */
/** @typedef {import("./model.js").IssuerClass} IssuerClass */
/** @typedef {import("./model.js").IssuerKey} IssuerKey */
/** @typedef {import("./model.js").Medium} Medium */
/** @typedef {import("./model.js").Status} Status */
/** @typedef {import("./model.js").StatusReference} StatusReference */
/** @typedef {import("./model.js").Step} Step */
/** @typedef {import("./model.js").Unverified} Unverified */
/** @typedef {import("./model.js").Verdict} Verdict */
/** @typedef {import("./model.js").Verification} Verification */
/** @typedef {import("./status-list.js").ListedStatuses} ListedStatuses */
/** @typedef {import("./verify.js").Circumstances} Circumstances */
