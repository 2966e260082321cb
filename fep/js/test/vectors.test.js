// Every published vector. A file or a kind of vector that this test does not know fails it: none can be left out.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

import jsonld from "jsonld";
import {
  VERDICTS,
  decodeMultikey,
  encodeMultikey,
  formatHeader,
  fromMultibase,
  importSeed,
  issue,
  mediaIn,
  parseHeader,
  readStatusList,
  toMultibase,
  unverified,
  verify,
} from "mediaattest";
import { decodeBase58 } from "../src/base58.js";
import { decodeBase64url, toHex } from "../src/bytes.js";

const FOLDER = new URL("../../vectors/", import.meta.url);
const FILES = readdirSync(FOLDER).sort();

const read = (file) => JSON.parse(readFileSync(new URL(file, FOLDER), "utf8"));

async function verification({ input, expected }) {
  const result = await verify(input.attestation, {
    received: Buffer.from(input.received_text),
    actors: input.actors,
    trustedIssuers: input.trusted_issuers,
    acceptedLists: input.accepted_lists,
    now: input.now,
    declaredHashes: input.declared_hashes,
    objectOrigin: input.object_origin,
    ...(input.status === null ? {} : { status: () => input.status }),
  });
  const { verdict, step, temporary, issuerClass } = result;
  assert.deepEqual({ verdict, step, temporary, ...(result.valid ? { issuer_class: issuerClass } : {}) }, expected);
  const claimed = unverified(input.attestation);
  if (result.valid) assert.ok(claimed.issuer in input.actors);
  else if (result.step < 5 && result.verdict !== "untrusted-issuer") assert.equal(claimed, null);
}

async function issuing({ input, expected }) {
  const made = async () =>
    issue({
      privateKey: await importSeed(decodeBase58(input.secret_key_multibase.slice(1)).slice(2)),
      kid: input.kid,
      issuer: input.issuer,
      digest: input.digest,
      checks: input.checks.map(({ alg, list }) => ({ algorithm: alg, list })),
      now: input.now,
      jti: decodeBase64url(input.jti),
      lifetime: input.lifetime,
    });
  if (expected === null) await assert.rejects(made, TypeError);
  else assert.equal(await made(), expected);
}

function header({ input, expected }) {
  const tokens = parseHeader(input);
  assert.deepEqual(tokens, expected);
  assert.deepEqual(parseHeader(formatHeader(tokens)), tokens);
}

function digest({ input, expected }) {
  assert.equal(fromMultibase(input), expected);
  if (expected !== null) assert.equal(toMultibase(expected), input);
}

function multikey({ input, expected }) {
  const key = decodeMultikey(input);
  assert.equal(key && toHex(key), expected);
  if (key !== null) assert.equal(encodeMultikey(key), input);
}

async function expansion({ input, expected }) {
  const documentLoader = (url) => assert.fail(`nothing is fetched, not even ${url}`);
  const quads = await jsonld.toRDF(input, { base: null, documentLoader });
  const found = {};
  for (const { predicate, object } of quads) {
    assert.equal(object.termType, "NamedNode");
    (found[predicate.value] ??= []).push(object.value);
  }
  const sorted = (values) => Object.fromEntries(Object.entries(values).map(([name, each]) => [name, each.toSorted()]));
  assert.deepEqual(sorted(found), sorted(expected));
}

function document({ input, expected }) {
  assert.deepEqual(mediaIn(input), expected);
}

async function status({ input: { token, index, ...expectations }, expected }) {
  const list = await readStatusList(token, expectations);
  assert.equal(list && list.status(index, expectations), expected);
}

const RUNS = { digest, document, expansion, header, issue: issuing, multikey, "status-list": status };
const runOf = (file) => (file.startsWith("verify-") ? verification : RUNS[file.replace(/\.json$/, "")]);

for (const file of FILES) {
  test(file, async (suite) => {
    const run = runOf(file);
    assert.ok(run, "no test knows what to do with this file");
    const vectors = read(file);
    assert.ok(vectors.length > 0);
    let count = 0;
    for (const vector of vectors) {
      await suite.test(vector.name, async () => {
        await run(vector);
        count += 1;
      });
    }
    assert.equal(count, vectors.length);
  });
}

test("every kind of vector and every verdict occurs", () => {
  assert.deepEqual(new Set(FILES.map(runOf)), new Set([...Object.values(RUNS), verification]));
  const verdicts = FILES.filter((file) => file.startsWith("verify-")).flatMap(read);
  assert.deepEqual(new Set(verdicts.map(({ expected }) => expected.verdict)), new Set(VERDICTS));
});
