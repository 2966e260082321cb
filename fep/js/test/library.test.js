// What the vectors cannot say: how the functions behave towards those who call them.
import assert from "node:assert/strict";
import { test } from "node:test";

import * as jose from "jose";
import * as mediaattest from "mediaattest";
import {
  ACTOR,
  CLAIMS,
  DIGEST,
  HEADER,
  IAT,
  ISSUER,
  JTI,
  KEY,
  KID,
  LIST,
  MEDIA,
  NOW,
  PRIVATE_KEY,
  PUBLIC_KEY,
  attest,
  check,
  forge,
} from "./samples.js";

const { describeKey, findKey, formatHeader, parseHeader, toDataUrl, fromDataUrl, unverified } = mediaattest;
const bare = (attestation) => fromDataUrl(attestation);
const outcome = async (attestation, changed) => {
  const { verdict, step } = await check(attestation, changed);
  return `${verdict} ${step}`;
};

test("what is issued is read back whole", async () => {
  const said = {
    checks: [{ algorithm: "photodna", list: LIST, checkedAt: IAT - 60 }],
    alternatives: { sha512: "ab".repeat(64) },
    medium: { type: "image/png", size: 24 },
    status: { uri: "https://relay.example/status-lists/1", index: 7 },
  };
  const result = await check(await attest(said), { status: async () => "standing" });
  assert.equal(result.valid, true);
  assert.deepEqual(result.attestation, {
    issuer: ISSUER,
    digest: DIGEST,
    issuedAt: IAT,
    expiresAt: IAT + mediaattest.DEFAULT_LIFETIME,
    jti: JTI,
    ...said,
  });
});

test("a fresh id is made for each token unless one is given", async () => {
  const [one, other] = await Promise.all([attest({ jti: undefined }), attest({ jti: undefined })]);
  assert.notEqual(one, other);
  assert.equal((await check(one)).attestation.jti.length, 16);
});

test("keys that live elsewhere sign through a function", async () => {
  const elsewhere = async (input) => new Uint8Array(await crypto.subtle.sign("Ed25519", PRIVATE_KEY, input));
  assert.equal(await attest({ privateKey: elsewhere }), await attest());
  await assert.rejects(attest({ privateKey: () => new Uint8Array(63) }), TypeError);
});

test("jose verifies what is issued, and what jose signs is valid", async () => {
  const key = await crypto.subtle.importKey("raw", PUBLIC_KEY, "Ed25519", false, ["verify"]);
  const { payload, protectedHeader } = await jose.jwtVerify(bare(await attest()), key, {
    algorithms: ["EdDSA"],
    currentDate: new Date(NOW * 1000),
    issuer: ISSUER,
    subject: DIGEST,
    typ: HEADER.typ,
  });
  assert.equal(protectedHeader.kid, KID);
  assert.equal(payload.res, "no-match");
  const signed = await new jose.SignJWT(CLAIMS).setProtectedHeader(HEADER).sign(PRIVATE_KEY);
  assert.equal(await outcome(toDataUrl(signed)), "valid 11");
});

test("there is a verdict for anything in place of an attestation", async () => {
  for (const nothing of [undefined, null, ""]) assert.equal(await outcome(nothing), "missing 1");
  for (const thing of [0, false, [], {}, [await attest()], "\ud800", Symbol("x"), () => "x"]) {
    assert.equal(await outcome(thing), "malformed 1");
    assert.equal(unverified(thing), null);
  }
});

test("there is a verdict for anything in place of an actor document", async () => {
  const key = ACTOR.assertionMethod[0];
  const odd = [0, "x", [], {}, [ACTOR], { ...ACTOR, id: [ISSUER] }, { ...ACTOR, assertionMethod: "x" }];
  const oddKeys = [null, 0, [key], { ...key, id: [KID] }, { ...key, publicKeyMultibase: 5 }, { ...key, type: ["Multikey"] }];
  for (const document of [...odd, ...oddKeys.map((entry) => ({ ...ACTOR, assertionMethod: [entry] }))]) {
    assert.equal(await outcome(await attest(), { actors: { [ISSUER]: document } }), "unknown-key 5");
  }
  assert.equal(await outcome(await attest(), { actors: new Map([[ISSUER, ACTOR]]) }), "valid 11");
  assert.equal(await outcome(await attest(), { actors: new Map() }), "key-unavailable 5");
  assert.equal(await outcome(await attest(), { actors: { [ISSUER]: undefined } }), "key-unavailable 5");
});

test("declared hashes that are no strings match nothing", async () => {
  assert.equal(await outcome(await attest(), { declaredHashes: [null, 5, {}] }), "hash-mismatch 8");
  assert.equal(await outcome(await attest(), { declaredHashes: [null, DIGEST] }), "valid 11");
});

test("names of JavaScript's own objects are names like others", async () => {
  for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
    const extra = `"${name}":{"iss":"https://evil.example/"}`;
    assert.equal(await outcome(forge(JSON.stringify(CLAIMS).replace("{", `{${extra},`))), "valid 11");
    assert.equal(await outcome(forge(JSON.stringify(CLAIMS).replace("{", `{${extra},${extra},`))), "malformed 1");
    assert.equal(await outcome(forge(undefined, JSON.stringify(HEADER).replace("{", `{${extra},`))), "valid 11");
  }
  const lacking = { ...CLAIMS, iss: undefined };
  assert.equal(await outcome(forge(JSON.stringify(lacking).replace("{", `{"__proto__":{"iss":"${ISSUER}"},`))), "malformed 3");
});

test("a status that nobody has heard of does not pass, and what the status check throws is passed on", async () => {
  assert.equal(await outcome(await attest(), { status: () => "fine" }), "key-unavailable 11");
  assert.equal(await outcome(await attest(), { status: () => undefined }), "key-unavailable 11");
  const status = async () => {
    throw new RangeError("mine");
  };
  await assert.rejects(check(await attest(), { status }), RangeError);
});

test("mistakes of the calling code are thrown", async () => {
  const wrong = [
    { received: "sha256:ab" },
    { received: DIGEST.toUpperCase() },
    { received: 5 },
    { now: NOW * 1000 },
    { now: NOW + 0.5 },
    { now: undefined },
    { trustedIssuers: ISSUER },
    { trustedIssuers: undefined },
    { acceptedLists: undefined },
    { acceptedLists: LIST },
  ];
  for (const changed of wrong) await assert.rejects(check(await attest(), changed), TypeError, JSON.stringify(changed));
  for (const changed of [{ now: NOW * 1000 }, { jti: JTI.slice(1) }, { medium: { type: "png", size: 1 } }, { lifetime: 0.5 }]) {
    await assert.rejects(attest(changed), TypeError, JSON.stringify(changed));
  }
  await assert.rejects(mediaattest.importSeed(new Uint8Array(31)), TypeError);
  assert.throws(() => mediaattest.encodeMultikey(new Uint8Array(31)), TypeError);
  assert.throws(() => describeKey({ ...KEY, expires: NOW * 1000 }), TypeError);
  assert.throws(() => mediaattest.toMultibase("sha256:ab"), TypeError);
  assert.throws(() => toDataUrl("a.b"), TypeError);
  assert.throws(() => formatHeader(["a.b"]), TypeError);
});

test("any list will do when none is asked for", async () => {
  assert.equal(await outcome(await attest(), { acceptedLists: null }), "valid 11");
  assert.equal(await outcome(await attest(), { acceptedLists: new Set() }), "no-accepted-check 10");
});

test("bytes come as an array, a buffer or their hash string", async () => {
  for (const received of [MEDIA, Buffer.from(MEDIA), MEDIA.slice().buffer, DIGEST]) {
    assert.equal(await outcome(await attest(), { received }), "valid 11");
  }
});

test("what is known is told with a failure, and a result other than no-match is not put into words", async () => {
  const late = await check(await attest(), { now: NOW + mediaattest.MAX_LIFETIME });
  assert.deepEqual([late.verdict, late.issuerClass, late.attestation.digest], ["expired", "trusted", DIGEST]);
  const match = await check(forge(JSON.stringify({ ...CLAIMS, res: "match" })));
  assert.deepEqual([match.verdict, match.attestation], ["no-accepted-check", undefined]);
});

test("a key is described as it is found, with its times", () => {
  const key = { ...KEY, expires: NOW + 60, revoked: NOW + 30 };
  const actor = { ...ACTOR, assertionMethod: describeKey(key) };
  assert.equal(actor.assertionMethod.revoked, "2026-11-21T22:27:10Z");
  assert.deepEqual(findKey(actor, { kid: KID, issuer: ISSUER, now: NOW + 29 }).key, key);
  assert.equal(findKey(actor, { kid: KID, issuer: ISSUER, now: NOW + 30 }).failure.verdict, "revoked-key");
});

test("times of keys", () => {
  const revoked = (written) =>
    findKey({ ...ACTOR, assertionMethod: [{ ...ACTOR.assertionMethod[0], revoked: written }] }, {
      kid: KID,
      issuer: ISSUER,
      now: NOW,
    }).key?.revoked;
  const read = {
    "2030-02-28T23:59:59Z": 1898553599,
    "2028-02-29T00:00:00.9-14:00": 1835445600,
    "2030-01-01T00:00:00+05:30": 1893436200,
  };
  for (const [written, seconds] of Object.entries(read)) assert.equal(revoked(written), seconds, written);
  const unreadable = ["2030-02-30T00:00:00Z", "2030-13-01T00:00:00Z", "2030-01-01T24:00:00Z", "2030-01-01T00:00:60Z"];
  const notInUse = ["2030-01-01T00:00:00+14:01", "2030-01-01T00:00:00+01:60", "12030-01-01T00:00:00Z", "2030-01-01"];
  for (const written of [...unreadable, ...notInUse, "", 0, false, ["2030-01-01T00:00:00Z"]]) {
    assert.equal(revoked(written), undefined, written);
  }
});

test("the header takes lines, and leaves out what is over its cap", async () => {
  const jws = bare(await attest());
  assert.deepEqual(parseHeader([`"${jws}"`, `"${jws}", "${jws}"`]), [jws, jws, jws]);
  for (const nothing of [undefined, null, [], 5]) assert.deepEqual(parseHeader(nothing), []);
  assert.equal(parseHeader(formatHeader(Array(9).fill("a.b.c"))).length, 7);
  const long = `${"a".repeat(1990)}.b.c`;
  assert.equal(parseHeader(formatHeader([long, long, long])).length, 2);
  assert.equal(formatHeader([]), "");
});

test("nothing is fetched and no clock is read", async () => {
  const { fetch } = globalThis;
  const { now } = Date;
  try {
    globalThis.fetch = Date.now = () => assert.fail("asked the world");
    assert.equal(await outcome(await attest()), "valid 11");
  } finally {
    globalThis.fetch = fetch;
    Date.now = now;
  }
});

test("an engine without Ed25519 is not taken for a bad signature", async () => {
  const { importKey } = crypto.subtle;
  const attestation = await attest();
  const failing = (name) => async () => {
    throw new DOMException("no", name);
  };
  try {
    crypto.subtle.importKey = failing("NotSupportedError");
    await assert.rejects(check(attestation), { name: "NotSupportedError" });
    crypto.subtle.importKey = failing("DataError"); // a key that is no point of the curve
    assert.equal(await outcome(attestation), "bad-signature 6");
  } finally {
    crypto.subtle.importKey = importKey;
  }
});
