// The library as a verifier that can be asked: every vector is answered as expected, and so is anything else.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const FOLDER = new URL("../../vectors/", import.meta.url);
const PROGRAM = fileURLToPath(new URL("../src/answer.js", import.meta.url));
const NAMES = { header: "tokens", document: "media", "status-list": "status" };
const NONE = ["", "x", "null", "[]", '{"kind": "verify", "input": 1}', '{"kind": "toString", "input": 1}'];

const questions = readdirSync(FOLDER)
  .map((file) => ({ file, kind: file.startsWith("verify-") ? "verify" : file.replace(/\.json$/, "") }))
  .filter(({ kind }) => kind === "verify" || kind in NAMES)
  .flatMap(({ file, kind }) =>
    JSON.parse(readFileSync(new URL(file, FOLDER), "utf8")).map((vector) => ({ kind, ...vector })),
  );

/** The answers of the program to some lines. */
async function ask(lines) {
  const program = spawn(process.execPath, [PROGRAM], { stdio: ["pipe", "pipe", "inherit"] });
  program.stdin.end(lines.map((line) => `${line}\n`).join(""));
  const found = [];
  for await (const line of createInterface({ input: program.stdout })) found.push(JSON.parse(line));
  return found;
}

test("every vector is answered as expected", async () => {
  assert.ok(questions.length > 200);
  const found = await ask(questions.map(({ kind, input }) => JSON.stringify({ kind, input })));
  const told = found.map((answer, at) => answer[NAMES[questions[at].kind]] ?? answer);
  assert.deepEqual(told, questions.map(({ expected }) => expected ?? "unavailable"));
});

test("what is no question is unsupported", async () => {
  assert.deepEqual(await ask(NONE), NONE.map(() => ({ unsupported: true })));
});
