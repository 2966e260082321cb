// The strict reader beside the platform's own: what it reads is the same, what it refuses has two readings.
import assert from "node:assert/strict";
import { test } from "node:test";

import { isWhole, readObject, writeCanonical } from "../src/strict-json.js";

const bytes = (text) => new TextEncoder().encode(text);
const plain = (value) => JSON.parse(JSON.stringify(value));

test("it reads what JSON.parse reads", () => {
  const texts = [
    "{}",
    ' \t\r\n{ "a" : [ ] , "b" : [ 1 , { "c" : null } ] , "d" : true , "e" : false } ',
    '{"\\u0061\\"\\\\\\/\\b\\f\\n\\r\\t":"\\ud83d\\ude00 é 😀 \u007f\u2028"}',
    '{"":"","a":0,"b":-1,"c":9007199254740993,"d":[[[]]]}',
  ];
  for (const text of texts) assert.deepEqual(plain(readObject(bytes(text))), JSON.parse(text), text);
});

test("it refuses what has two readings or none", () => {
  const refused = [
    ...["", "[]", '"x"', "1", "null", "{", "}", "{}{}", "{} x", "{'a':1}", "{a:1}", '{"a"}', '{"a":}', '{"a":1,}', "{,}"],
    ...['{"a":[1,]}', '{"a":[,1]}', '{"a":[1 2]}', '{"a":[1}', '{"a":1 "b":2}', '{"a":tru}', '{"a":nul}', '{"a":TRUE}'],
    ...['{"a":01}', '{"a":1.}', '{"a":.5}', '{"a":+1}', '{"a":-}', '{"a":1e}', '{"a":0x1}', '{"a":NaN}', '{"a":-Infinity}'],
    ...['{"a":1e999}', `{"a":${"9".repeat(400)}}`, '{"a":"\n"}', '{"a":"\\x"}', '{"a":"\\u12"}', '{"a":"\\u 123"}', '{"a":"'],
    ...['{"a":1,"a":1}', '{"a":1,"\\u0061":2}', '{"b":{"a":1,"a":2}}', '{"a":"\\ud800"}', '{"\\udc00":1}', '{"a":"\\'],
    ...['\ufeff{"a":1}', '{"a":1}\u00a0', '{"a":1}\0', `{"a":${"[".repeat(64)}${"]".repeat(64)}}`],
  ];
  for (const text of refused) assert.equal(readObject(bytes(text)), null, text);
  for (const broken of [[0x7b, 0xff, 0x7d], [0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x7d], [0xfe, 0xff, 0, 0x7b, 0, 0x7d]]) {
    assert.equal(readObject(Uint8Array.from(broken)), null);
  }
  assert.notEqual(readObject(bytes(`{"a":${"[".repeat(63)}${"]".repeat(63)}}`)), null);
});

test("only what is written as an integer is one", () => {
  const { a, b, c, d, e, f } = readObject(bytes('{"a":1.0,"b":1e3,"c":-0,"d":9007199254740991,"e":9007199254740992,"f":-1}'));
  assert.deepEqual([a, b, c, d, e, f].map(isWhole), [false, false, true, true, false, false]);
  assert.ok(Object.is(c, 0));
});

test("names come in the order of their UTF-16 code units", () => {
  const value = { "\ufb33": 1, "😀": 2, b: [{ d: 1, c: "é" }], a: null, 10: 0, 9: 0 };
  const written = new TextDecoder().decode(writeCanonical(value));
  assert.equal(written, '{"10":0,"9":0,"a":null,"b":[{"c":"é","d":1}],"😀":2,"\ufb33":1}');
});
