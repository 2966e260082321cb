// The README's three examples run, one after the other, as a reader would run them.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { HEADER_NAME, VERDICTS, formatHeader, fromDataUrl } from "mediaattest";

const README = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const NAMES = ["actor", "attestation", "inbox", "isAttested", "media", "result"];

/** What the examples define; they are one module, the imports said once. */
async function runExamples() {
  const examples = [...README.matchAll(/^```js\n(.*?)^```/gms)].map(([, code]) => code);
  assert.equal(examples.length, 3);
  const imports = /^import \{(.*)\} from "mediaattest";\n/gm;
  const code = examples.join("\n");
  const wanted = new Set([...code.matchAll(imports)].flatMap(([, names]) => names.split(",").map((name) => name.trim())));
  const from = JSON.stringify(import.meta.resolve("mediaattest"));
  const blocks = code.replace(imports, "");
  const module = `import { ${[...wanted].join(", ")} } from ${from};\n${blocks}\nexport { ${NAMES.join(", ")} };`;
  return await import(`data:text/javascript,${encodeURIComponent(module)}`);
}

test("the examples issue, verify, and keep the tokens of the header", async (suite) => {
  const log = suite.mock.method(console, "log", () => {});
  const { attestation, inbox, isAttested, media, result } = await runExamples();
  assert.equal(result.verdict, "valid");
  assert.equal(log.mock.callCount(), 1);
  assert.equal(await isAttested(media), false);
  const headers = { [HEADER_NAME]: formatHeader([fromDataUrl(attestation), "a.b.c"]) };
  const answer = await inbox(new Request("https://a.example/inbox", { method: "POST", headers }));
  assert.equal(answer.status, 202);
  assert.equal(await isAttested(media), true);
  assert.equal(await isAttested(new TextEncoder().encode("other bytes")), false);
});

test("the README lists every verdict", () => {
  for (const verdict of VERDICTS) assert.ok(README.includes(`\`${verdict}\``), verdict);
});
