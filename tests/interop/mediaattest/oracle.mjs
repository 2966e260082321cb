// The JavaScript library fep/js as a second opinion on the Python one. Names and shapes are those of the Python side.
import {
  findKey,
  formatHeader,
  fromMultibase,
  importSeed,
  issue,
  originOf,
  parseHeader,
  unverified,
  verify,
} from "../../../fep/js/src/index.js";
import { serve } from "../lines.mjs";

const hex = (bytes) => Buffer.from(bytes).toString("hex");
const bytes = (text) => Uint8Array.from(Buffer.from(text, "hex"));
const keys = new Map();

async function keyOf(seed) {
  if (!keys.has(seed)) keys.set(seed, await importSeed(bytes(seed)));
  return keys.get(seed);
}

function statement(attestation) {
  if (attestation === undefined) return null;
  const { issuer, digest, issuedAt, expiresAt, jti, checks, alternatives, medium, status } = attestation;
  return {
    issuer,
    digest,
    times: [issuedAt, expiresAt],
    jti: hex(jti),
    checks: checks.map(({ algorithm, list, checkedAt }) => [algorithm, list, checkedAt ?? null]),
    alternatives,
    medium: medium ? [medium.type, medium.size] : null,
    status: status ? [status.uri, status.index] : null,
  };
}

await serve({
  // What `issue` gives; null when it refuses.
  async issue({ seed, jti, checks, medium, status, ...rest }) {
    try {
      return await issue({
        ...rest,
        privateKey: await keyOf(seed),
        jti: bytes(jti),
        checks: checks.map(([algorithm, list, at]) => ({ algorithm, list, ...(at === null ? {} : { checkedAt: at }) })),
        medium: medium ? { type: medium[0], size: medium[1] } : undefined,
        status: status ? { uri: status[0], index: status[1] } : undefined,
      });
    } catch (refusal) {
      if (refusal instanceof TypeError) return null;
      throw refusal;
    }
  },
  async verify({ attestation, status, ...rest }) {
    const result = await verify(attestation, {
      received: rest.received,
      actors: rest.actors,
      trustedIssuers: rest.trusted_issuers,
      acceptedLists: rest.accepted_lists,
      now: rest.now,
      declaredHashes: rest.declared_hashes,
      objectOrigin: rest.object_origin,
      status: status === null ? undefined : () => status,
    });
    return {
      verdict: result.verdict,
      step: result.step,
      temporary: result.temporary,
      issuer_class: result.issuerClass ?? null,
      attestation: statement(result.attestation),
      unverified: unverified(attestation),
    };
  },
  key({ actor, kid, issuer, now }) {
    const { key, failure } = findKey(actor, { kid, issuer, now });
    return key === null ? failure.verdict : [key.expires ?? null, key.revoked ?? null];
  },
  parse_header: ({ value }) => parseHeader(value),
  format_header: ({ tokens }) => formatHeader(tokens),
  from_multibase: ({ text }) => fromMultibase(text),
  origin_of: ({ text }) => originOf(text),
});
