// Fedify as a second opinion.
//
// Only Fedify's public API is used. Documents (actors, keys) come from the question `documents`; contexts are those that
// Fedify brings along. Nothing is fetched: `fetch` refuses.
import { createPrivateKey } from "node:crypto";
import { configure, getTextFormatter } from "@logtape/logtape";
import { serve } from "./lines.mjs";

globalThis.fetch = async (resource) => {
  throw new Error(`the oracle has no network: ${resource?.url ?? resource}`);
};
const line = getTextFormatter();
await configure({
  sinks: { log: (record) => void process.stderr.write(line(record)) },
  loggers: [
    { category: "fedify", sinks: ["log"], lowestLevel: "debug" },
    { category: ["logtape", "meta"], sinks: ["log"], lowestLevel: "warning" },
  ],
});
const fedify = await import("@fedify/fedify");
const known = new Map();
const bundled = fedify.getDocumentLoader();

async function documentLoader(url) {
  const document = known.get(url) ?? known.get(url.split("#")[0]);
  return document ? { contextUrl: null, document: structuredClone(document), documentUrl: url } : await bundled(url);
}

const loaders = { documentLoader, contextLoader: documentLoader };

async function privateKey(pem) {
  const jwk = createPrivateKey(pem).export({ format: "jwk" });
  return await fedify.importJwk(jwk.kty === "RSA" ? { ...jwk, alg: "RS256" } : jwk, "private");
}

function request({ method, url, headers, body }) {
  const content = body === undefined ? undefined : Buffer.from(body, "base64");
  return new Request(url, { method, headers, body: content });
}

const answers = {
  documents({ documents }) {
    for (const [url, document] of Object.entries(documents)) known.set(url, document);
    return known.size;
  },
  // A request as { method, url, headers, body (base64) }; the answer are the headers of the signed one.
  async sign_request({ key, key_id, spec, ...rest }) {
    const options = { spec: spec ?? "draft-cavage-http-signatures-12" };
    const signed = await fedify.signRequest(request(rest), await privateKey(key), new URL(key_id), options);
    return Object.fromEntries(signed.headers);
  },
  // The id of the key that signed it, or null.
  async verify_request({ spec, ...rest }) {
    const key = await fedify.verifyRequest(request(rest), { ...loaders, spec: spec ?? "draft-cavage-http-signatures-12" });
    return key === null ? null : key.id.href;
  },
  // Whether the key of that id is found, and what it is.
  async key({ key_id, cls }) {
    const { key } = await fedify.fetchKey(new URL(key_id), fedify[cls], loaders);
    return key === null ? null : key.publicKey.algorithm.name;
  },
  async sign_ld({ document, key, key_id }) {
    return await fedify.signJsonLd(document, await privateKey(key), new URL(key_id), loaders);
  },
  async verify_ld({ document }) {
    return await fedify.verifyJsonLd(document, loaders);
  },
  async sign_proof({ document, key, key_id }) {
    const object = await fedify.Object.fromJsonLd(document, loaders);
    const signed = await fedify.signObject(object, await privateKey(key), new URL(key_id), loaders);
    return await signed.toJsonLd({ ...loaders, format: "compact" });
  },
  // The proof alone, over the document as it is written: createProof would write it anew.
  async verify_proof({ document }) {
    return (await fedify.verifyObject(fedify.Object, document, loaders)) !== null;
  },
};

await serve(answers);
