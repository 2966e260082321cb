// What is read from posts, in the shapes that posts have.
import assert from "node:assert/strict";
import { test } from "node:test";

import { mediaIn, toMultibase } from "mediaattest";
import { DIGEST, attest } from "./samples.js";

const attestation = await attest();
const url = "https://a.example/1.png";
const image = { type: "Image", url, hash: DIGEST, attestation };
const claims = { url, hashes: [DIGEST], attestations: [attestation] };
const note = (members) => ({ id: "https://a.example/1", type: "Note", ...members });

test("a medium by itself, in an activity, and wherever a post shows it", () => {
  assert.deepEqual(mediaIn(image), [claims]);
  for (const object of [image, [image], [[image], "x"]]) {
    assert.deepEqual(mediaIn({ type: "Create", actor: "https://a.example/2", object }), [claims]);
  }
  for (const name of ["attachment", "image", "icon", "preview"]) {
    assert.deepEqual(mediaIn(note({ [name]: image })), [claims], name);
    assert.deepEqual(mediaIn(note({ [name]: [image, [image], "x", 5, null] })), [claims, claims], name);
  }
});

test("what is of another type is no medium", () => {
  for (const type of [undefined, "Page", "Note", ["Place", 5], {}]) {
    assert.deepEqual(mediaIn(note({ attachment: { ...image, type } })), []);
  }
  assert.deepEqual(mediaIn(note({ attachment: { ...image, type: ["x", "Image"] } })), [claims]);
});

test("Links, and claims beside the address", () => {
  const { hash } = image;
  assert.deepEqual(mediaIn(note({ attachment: { type: "Link", href: url, hash, attestation } })), [claims]);
  const link = { type: "Link", href: url, hash, attestation };
  assert.deepEqual(mediaIn(note({ attachment: { type: "Image", url: [{}, link] } })), [claims]);
  assert.deepEqual(mediaIn(note({ attachment: { type: "Image", hash, attestation } })), []);
});

test("digestMultibase is another way to say hash, and says more when it differs", () => {
  const other = `sha256:${"0".repeat(64)}`;
  const said = (members) => mediaIn({ type: "Image", url, ...members })[0].hashes;
  assert.deepEqual(said({ digestMultibase: toMultibase(DIGEST) }), [DIGEST]);
  assert.deepEqual(said({ hash: DIGEST, digestMultibase: toMultibase(DIGEST) }), [DIGEST]);
  assert.deepEqual(said({ hash: other, digestMultibase: [toMultibase(DIGEST), "zx"] }), [other, DIGEST]);
});

test("of an array the first four strings count", () => {
  const [found] = mediaIn({ ...image, attestation: [null, "1", {}, "2", "3", "4", "5"] });
  assert.deepEqual(found.attestations, ["1", "2", "3", "4"]);
});

test("what is embedded in an answer or stands in a tag is not the post's", () => {
  assert.deepEqual(mediaIn(note({ inReplyTo: note({ attachment: image }), tag: [{ type: "Emoji", icon: image }] })), []);
});

test("what a relay announces", () => {
  const announce = { type: "Announce", actor: "https://relay.example/actor", object: "https://a.example/1" };
  const carried = [{ url: null, hashes: [], attestations: [attestation] }];
  assert.deepEqual(mediaIn({ ...announce, mediaAttestation: [attestation] }), carried);
  assert.deepEqual(mediaIn(announce), []);
  assert.deepEqual(mediaIn(note({ mediaAttestation: [attestation] })), []);
});

test("hostile documents have no media, or not more than are looked at", () => {
  let deep = image;
  for (let depth = 0; depth < 50_000; depth++) deep = [deep];
  for (const odd of [null, undefined, 5, "x", [], [image], {}, { attachment: deep }, { actor: 1, object: [] }]) {
    assert.deepEqual(mediaIn(odd), []);
  }
  assert.equal(mediaIn(note({ attachment: Array(10_000).fill(image) })).length, 64);
  const nowhere = Array(100).fill({ type: "Image" });
  assert.deepEqual(mediaIn(note({ attachment: [...nowhere, image] })), [claims]);
});
