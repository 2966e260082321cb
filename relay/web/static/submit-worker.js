/* Makes the hashes of one file at a time, beside the page, so that the page stays responsive. Nothing is fetched or sent
 * here, and nothing is kept: a file comes in as a message, and its hashes go out as one.
 */

import { Hasher, NOTHING } from "./pdq.js";
import { sha256 } from "./sha256.js";

/** Pixels that are drawn at a time. */
const STRIP = 1 << 18;
/** Frames of an animation that are looked at: as many as the relay looks at. */
const MOST_FRAMES = 30;
/** Below it a hash says little, and the relay does not compare it. */
const LEAST_QUALITY = 50;
const ANIMATED = new Set(["image/gif", "image/webp", "image/avif", "image/png", "image/apng"]);
const WHITE = 255;
const BLACK = 0;

globalThis.onmessage = async ({ data }) => {
  try {
    globalThis.postMessage({ id: data.id, ...(await work(data)) });
  } catch {
    globalThis.postMessage({ id: data.id, failed: true });
  }
};

async function work({ task, file, frame }) {
  if (task === "digest") return { sha256: await sha256(file) };
  if (task === "picture") return { ...(await picture(file)), sha256: await sha256(file) };
  if (task === "frame") return hashed(frame);
  return { honest: isHonest() };
}

/** `pdq`: hashes that say something, `opened`: whether the browser can show the file as a picture. */
async function picture(file) {
  let found = { pdq: [], opened: false };
  try {
    // Pixels as they are in the file, upright: the relay applies no colour profile either.
    const options = { imageOrientation: "from-image", premultiplyAlpha: "none", colorSpaceConversion: "none" };
    found = { ...hashed(await createImageBitmap(file, options)), opened: true };
    for await (const frame of moving(file)) found.pdq.push(...hashed(frame).pdq);
  } catch {
    // What the browser cannot show can be found by its exact bytes only.
  }
  return { ...found, pdq: unique(found.pdq) };
}

/** The frames of an animation but the first: all, or some evenly between and the last. */
async function* moving(file) {
  if (!ANIMATED.has(file.type) || !globalThis.ImageDecoder) return;
  const decoder = new ImageDecoder({ data: file.stream(), type: file.type, colorSpaceConversion: "none" });
  try {
    await decoder.completed;
    const count = decoder.tracks.selectedTrack.frameCount;
    const most = Math.min(count, MOST_FRAMES);
    for (let step = 1; step < most; step += 1) {
      const frameIndex = Math.round((step * (count - 1)) / (most - 1));
      yield (await decoder.decode({ frameIndex })).image;
    }
  } finally {
    decoder.close();
  }
}

/** Hash what can be drawn and let go of it. What one can see through is laid on white and on black. */
function hashed(source) {
  const width = source.displayWidth ?? source.width;
  const height = source.displayHeight ?? source.height;
  try {
    const onWhite = new Hasher(width, height, WHITE);
    const onBlack = new Hasher(width, height, BLACK);
    let isSeeThrough = false;
    for (const { rgba, rows } of strips(source, width, height, onWhite.factor)) {
      // Up to here both are the same, so the second one can still be made of the first.
      if (!isSeeThrough && hasHoles(rgba)) {
        isSeeThrough = true;
        onBlack.sums.set(onWhite.sums);
        onBlack.row = onWhite.row;
      }
      onWhite.add(rgba, rows);
      if (isSeeThrough) onBlack.add(rgba, rows);
    }
    const looks = isSeeThrough ? [onWhite.finish(), onBlack.finish()] : [onWhite.finish()];
    return { pdq: looks.filter((one) => one !== NOTHING && one.quality >= LEAST_QUALITY) };
  } finally {
    source.close();
  }
}

function* strips(source, width, height, factor) {
  const step = Math.min(height, Math.max(1, Math.floor(STRIP / width / factor)) * factor);
  const canvas = new OffscreenCanvas(width, step);
  const context = canvas.getContext("2d", { willReadFrequently: true, colorSpace: "srgb" });
  context.globalCompositeOperation = "copy";
  for (let top = 0; top < height; top += step) {
    const rows = Math.min(step, height - top);
    context.drawImage(source, 0, -top);
    yield { rgba: context.getImageData(0, 0, width, rows).data, rows };
  }
}

function hasHoles(rgba) {
  for (let at = 3; at < rgba.length; at += 4) if (rgba[at] !== 255) return true;
  return false;
}

function unique(hashes) {
  return [...new Map(hashes.map((one) => [one.value, one])).values()];
}

/** Whether pixels can be read back as they were drawn: some browsers give noise instead, against fingerprinting. */
function isHonest() {
  const canvas = new OffscreenCanvas(16, 16);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  for (let at = 0; at < 256; at += 1) {
    context.fillStyle = `rgb(${at} ${255 - at} ${(at * 7) % 256})`;
    context.fillRect(at % 16, Math.floor(at / 16), 1, 1);
  }
  const { data } = context.getImageData(0, 0, 16, 16);
  let off = 0;
  for (let at = 0; at < 256; at += 1) {
    off += Math.abs(data[4 * at] - at) + Math.abs(data[4 * at + 1] - (255 - at));
  }
  return off / 512 < 8;
}
