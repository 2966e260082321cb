#!/usr/bin/env node
/**
 * `mediaattest-answer`: the library as a verifier that can be asked, for `assay lab test verifier`. One question in a
 * line of JSON on standard input, one answer in a line on standard output; see `python -m mediaattest answer`.
 *
 * @module
 */

import { createInterface } from "node:readline";

import { mediaIn, parseHeader, readStatusList, verify } from "./index.js";

/** @param {any} input */
async function verification(input) {
  const result = await verify(input.attestation, {
    received: new TextEncoder().encode(input.received_text),
    actors: input.actors,
    trustedIssuers: input.trusted_issuers,
    acceptedLists: input.accepted_lists,
    now: input.now,
    declaredHashes: input.declared_hashes,
    objectOrigin: input.object_origin,
    ...(input.status === null ? {} : { status: () => input.status }),
  });
  const { verdict, step, temporary, issuerClass } = result;
  return { verdict, step, temporary, ...(result.valid ? { issuer_class: issuerClass } : {}) };
}

/** @param {any} input */
async function statusList({ token, index, ...where }) {
  const found = await readStatusList(token, where);
  return { status: found === null ? "unavailable" : found.status(index, { now: where.now }) };
}

/** @type {Record<string, (input: any) => unknown>} */
const KINDS = {
  verify: verification,
  header: (input) => ({ tokens: parseHeader(input) }),
  document: (input) => ({ media: mediaIn(input) }),
  "status-list": statusList,
};

/**
 * The answer to one question. A line that is no question is unsupported.
 *
 * @param {string} line
 */
async function answer(line) {
  try {
    const { kind, input } = JSON.parse(line);
    return Object.hasOwn(KINDS, kind) ? await KINDS[kind](input) : { unsupported: true };
  } catch {
    return { unsupported: true };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(line))}\n`);
}
