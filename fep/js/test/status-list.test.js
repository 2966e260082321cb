// Lists that are written are read, and what cannot be written is refused. What is refused on reading is in the vectors.
import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync, inflateSync } from "node:zlib";

import { readStatusList, writeStatusList } from "mediaattest";
import { ACTOR, ISSUER, KID, NOW, PRIVATE_KEY, attest, check, forge } from "./samples.js";

const URI = "https://relay.example/status-lists/1";
const USUAL = { privateKey: PRIVATE_KEY, kid: KID, issuer: ISSUER, uri: URI, size: 1024, revoked: [0, 9, 1023], now: NOW };
const write = (changed = {}) => writeStatusList({ ...USUAL, lifetime: 86400, ttl: 3600, ...changed });
const read = (token, changed = {}) => readStatusList(token, { uri: URI, issuer: ISSUER, actor: ACTOR, now: NOW, ...changed });
const claimsOf = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url"));

test("what is written is read", async () => {
  const list = await read(await write());
  const all = Array.from({ length: 1024 }, (_, index) => list.status(index, { now: NOW }));
  assert.deepEqual(all.flatMap((status, index) => (status === "revoked" ? [index] : [])), [0, 9, 1023]);
  assert.deepEqual([list.uri, list.issuer, list.bits, list.issuedAt], [URI, ISSUER, 1, NOW]);
  assert.deepEqual([list.ttl, list.expiresAt], [3600, NOW + 86400]);
  assert.equal(list.status(1, { now: NOW + 86400 }), "unavailable");
  for (const index of [1024, -1, 0.5, Number.NaN]) assert.equal(list.status(index, { now: NOW }), "unavailable");
});

test("another implementation of ZLIB reads it", async () => {
  const { bits, lst } = claimsOf(await write()).status_list;
  const statuses = inflateSync(Buffer.from(lst, "base64url"));
  assert.deepEqual([bits, statuses.length, statuses[0], statuses[1], statuses[127]], [1, 128, 1, 2, 0x80]);
});

test("what cannot be written", async () => {
  const elsewhere = "https://elsewhere.example/1";
  const sizes = [{ size: 7 }, { size: 0 }, { size: -8 }, { size: 2 ** 23 + 8 }, { revoked: [1024] }, { revoked: [-1] }];
  const origins = [{ uri: elsewhere }, { uri: "nonsense" }, { issuer: elsewhere }, { kid: elsewhere }];
  for (const changed of [...sizes, ...origins, { ttl: 0 }, { lifetime: 0 }, { lifetime: 0.5 }, { now: NOW * 1000 }]) {
    await assert.rejects(write(changed), TypeError, JSON.stringify(changed));
  }
  assert.equal((await read(await write({ size: 2 ** 23 }))).statuses.length, 2 ** 20);
});

test("a list that is too large is refused before it fills the memory", async () => {
  const named = JSON.stringify({ alg: "EdDSA", kid: KID, typ: "statuslist+jwt" });
  const listed = (bytes) => {
    const lst = deflateSync(Buffer.alloc(bytes)).toString("base64url");
    const claims = { sub: URI, iat: NOW, exp: NOW + 9, status_list: { bits: 1, lst } };
    return forge(JSON.stringify(claims), named).replace("data:application/jwt,", "");
  };
  assert.equal((await read(listed(2 ** 20))).statuses.length, 2 ** 20);
  assert.equal(await read(listed(2 ** 20 + 1)), null);
  assert.equal(await read(listed(2 ** 29)), null);
  assert.equal(await read(`${listed(9)}${"A".repeat(2 ** 20)}`), null);
  for (const odd of [undefined, null, 5, {}]) assert.equal(await read(odd), null);
});

test("a list decides the last step of a verification", async () => {
  const list = await read(await write({ revoked: [5] }));
  for (const [index, verdict] of [[5, "revoked"], [6, "valid"], [4096, "key-unavailable"]]) {
    const attestation = await attest({ status: { uri: URI, index } });
    const status = (stated) => list.status(stated.status.index, { now: NOW });
    assert.equal((await check(attestation, { status })).verdict, verdict);
  }
});
