// One issuer with one key, and what it says about one medium; every test changes what it is about.
import { createHash, createPrivateKey, createPublicKey, sign } from "node:crypto";

import { describeKey, importSeed, issue, verify } from "mediaattest";

export const ISSUER = "https://relay.example/actor";
export const KID = `${ISSUER}#att-2026-11`;
export const LIST = "https://relay.example/lists/1";
export const MEDIA = new TextEncoder().encode("hello media attestation\n");
export const DIGEST = `sha256:${createHash("sha256").update(MEDIA).digest("hex")}`;
export const IAT = 1795298400;
export const NOW = IAT + 1600;
export const JTI = Uint8Array.from({ length: 16 }, (_, at) => at);
export const SEED = createHash("sha256").update("unit test key").digest();

const nodeKey = createPrivateKey({
  key: Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), SEED]),
  format: "der",
  type: "pkcs8",
});

export const PRIVATE_KEY = await importSeed(SEED);
export const PUBLIC_KEY = Uint8Array.from(
  Buffer.from(createPublicKey(nodeKey).export({ format: "jwk" }).x, "base64url"),
);
export const KEY = { kid: KID, controller: ISSUER, publicKey: PUBLIC_KEY };
export const ACTOR = { id: ISSUER, type: "Service", assertionMethod: [describeKey(KEY)] };
export const HEADER = { alg: "EdDSA", kid: KID, typ: "media-attestation+jwt" };
export const CLAIMS = {
  iss: ISSUER,
  sub: DIGEST,
  iat: IAT,
  exp: IAT + 86400,
  jti: Buffer.from(JTI).toString("base64url"),
  res: "no-match",
  chk: [{ alg: "pdq", list: LIST }],
};

/** An attestation string from `issue`. */
export function attest(changed = {}) {
  const usual = { privateKey: PRIVATE_KEY, kid: KID, issuer: ISSUER, digest: DIGEST, now: NOW, jti: JTI };
  return issue({ ...usual, checks: [{ algorithm: "pdq", list: LIST }], ...changed });
}

/** An attestation string with any header and claims, given as JSON text, well signed; node:crypto makes it. */
export function forge(claims = JSON.stringify(CLAIMS), header = JSON.stringify(HEADER)) {
  const input = [header, claims].map((part) => Buffer.from(part).toString("base64url")).join(".");
  return `data:application/jwt,${input}.${sign(null, Buffer.from(input), nodeKey).toString("base64url")}`;
}

/** The verification by somebody who trusts the sample issuer. */
export function check(attestation, changed = {}) {
  const usual = { received: MEDIA, actors: { [ISSUER]: ACTOR }, trustedIssuers: [ISSUER], acceptedLists: [LIST] };
  return verify(attestation, { ...usual, now: NOW, ...changed });
}
