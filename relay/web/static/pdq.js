/* PDQ, the perceptual hash of ThreatExchange, as the relay computes it (relay/adapters/media/pdq.py says how, and why
 * it may be computed like this): the same luminance, the same reduction, the same filter. Given the same pixels it gives
 * the same hash; tests/browser/test_submit.py compares them. Rows come in strips, so that the decoded picture is never
 * in memory twice.
 */

const GRID = 64;
const FREQUENCIES = 16;
const SMALLEST = 5;
/** Pictures are hashed at a whole fraction of their size as long as both sides keep this many pixels. */
const REDUCED = 512;

export const NOTHING = { value: "0".repeat(64), quality: 0 };

/** Takes the RGBA rows of one picture and ends with its hash. `ground`: 0..255, the grey that it is laid on. */
export class Hasher {
  constructor(width, height, ground = 255) {
    this.width = width;
    this.height = height;
    this.ground = ground;
    /** Strips must have a multiple of so many rows, but for the last one. */
    this.factor = Math.max(1, Math.floor(Math.min(width, height) / REDUCED));
    this.tooSmall = Math.min(width, height) < SMALLEST;
    this.row = 0;
    this.sums = new Float64Array(GRID * GRID);
    if (!this.tooSmall) {
      this.rows = sampling(height, this.factor);
      this.columns = sampling(width, this.factor);
    }
  }

  /** Account for the next `count` rows: bytes of RGBA. */
  add(rgba, count) {
    if (this.tooSmall) return;
    const light = luminance(rgba, this.width * count, this.ground);
    const small = reduce(light, this.width, count, this.factor);
    const width = Math.ceil(this.width / this.factor);
    const sampled = new Float64Array(GRID);
    for (let start = 0; start < small.length; start += width, this.row += 1) {
      const touched = this.rows[this.row];
      if (touched.length === 0) continue;
      sampled.fill(0);
      for (let x = 0; x < width; x += 1) {
        const value = small[start + x];
        const pairs = this.columns[x];
        for (let at = 0; at < pairs.length; at += 2) sampled[pairs[at]] += pairs[at + 1] * value;
      }
      for (let at = 0; at < touched.length; at += 2) {
        const place = touched[at] * GRID;
        for (let x = 0; x < GRID; x += 1) this.sums[place + x] += touched[at + 1] * sampled[x];
      }
    }
  }

  /** `value`: 64 hexadecimal digits, `quality`: 0..100, once every row was added. */
  finish() {
    if (this.tooSmall) return NOTHING;
    const grid = Float32Array.from(this.sums);
    return { value: hash(grid), quality: quality(grid) };
  }
}

/** For each pixel of an axis, reduced by `scale`: the samples that it counts for, each with its weight. */
function sampling(size, scale) {
  const span = Math.floor((size + 2 * GRID - 1) / (2 * GRID));
  const ahead = Math.floor((span + 2) / 2);
  const pixels = Array.from({ length: Math.ceil(size / scale) }, () => []);
  const edges = new Float64Array(size + 1);
  for (let sample = 0; sample < GRID; sample += 1) {
    edges.fill(0);
    const centre = Math.trunc(((sample + 0.5) * size) / GRID);
    const [low, high] = around(centre, ahead, span, size);
    for (let inner = low; inner < high; inner += 1) {
      const [first, end] = around(inner, ahead, span, size);
      const share = 1 / ((high - low) * (end - first));
      edges[first] += share;
      edges[end] -= share;
    }
    let running = 0;
    let weight = 0;
    for (let at = 0; at < size; at += 1) {
      running += edges[at];
      if (Math.abs(running) >= 1e-12) weight += running;
      if ((at + 1) % scale === 0 || at + 1 === size) {
        if (weight !== 0) pixels[Math.floor(at / scale)].push(sample, Math.fround(weight));
        weight = 0;
      }
    }
  }
  return pixels;
}

function around(centre, ahead, span, size) {
  return [Math.max(0, centre + ahead - span), Math.min(size, centre + ahead)];
}

/** ITU-R 601 luminance in 16-bit fixed point, of pixels laid on a grey ground. */
function luminance(rgba, pixels, ground) {
  const light = new Uint8Array(pixels);
  for (let at = 0, from = 0; at < pixels; at += 1, from += 4) {
    const alpha = rgba[from + 3];
    let red = rgba[from];
    let green = rgba[from + 1];
    let blue = rgba[from + 2];
    if (alpha !== 255) {
      red = laid(red, alpha, ground);
      green = laid(green, alpha, ground);
      blue = laid(blue, alpha, ground);
    }
    light[at] = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
  }
  return light;
}

function laid(value, alpha, ground) {
  const sum = (value * alpha + ground * (255 - alpha)) * 128 + 0x4000;
  return (((sum >> 8) + sum) >> 8) >> 7;
}

/** The mean of each block of `factor` by `factor` pixels, in the fixed point of the decoder that the relay uses. */
function reduce(light, width, height, factor) {
  if (factor === 1) return light;
  const across = Math.ceil(width / factor);
  const down = Math.ceil(height / factor);
  const small = new Uint8Array(across * down);
  for (let y = 0; y < down; y += 1) {
    const bottom = Math.min(height, (y + 1) * factor);
    for (let x = 0; x < across; x += 1) {
      const right = Math.min(width, (x + 1) * factor);
      const count = (bottom - y * factor) * (right - x * factor);
      let sum = Math.floor(count / 2);
      for (let row = y * factor; row < bottom; row += 1) {
        for (let column = x * factor; column < right; column += 1) sum += light[row * width + column];
      }
      small[y * across + x] = Math.floor((sum * Math.trunc(Math.fround(2 ** 32 / (256 * count)))) / 2 ** 24);
    }
  }
  return small;
}

const COSINES = Array.from({ length: FREQUENCIES }, (_, row) =>
  Float32Array.from({ length: GRID }, (_unused, at) =>
    Math.sqrt(2 / GRID) * Math.cos((Math.PI / (2 * GRID)) * (row + 1) * (2 * at + 1))));

/** A bit for each of the lowest frequencies that is above their median, the last one first. */
function hash(grid) {
  const frequencies = new Float64Array(FREQUENCIES * FREQUENCIES);
  const half = new Float64Array(GRID);
  for (let row = 0; row < FREQUENCIES; row += 1) {
    half.fill(0);
    for (let at = 0; at < GRID; at += 1) {
      for (let x = 0; x < GRID; x += 1) half[x] += COSINES[row][at] * grid[at * GRID + x];
    }
    for (let column = 0; column < FREQUENCIES; column += 1) {
      let sum = 0;
      for (let x = 0; x < GRID; x += 1) sum += half[x] * COSINES[column][x];
      frequencies[row * FREQUENCIES + column] = Math.fround(sum);
    }
  }
  const median = Float64Array.from(frequencies).sort()[frequencies.length / 2 - 1];
  let text = "";
  for (let digit = 0; digit < 64; digit += 1) {
    let value = 0;
    for (let bit = 0; bit < 4; bit += 1) {
      value = value * 2 + (frequencies[255 - (4 * digit + bit)] > median ? 1 : 0);
    }
    text += value.toString(16);
  }
  return text;
}

/** How much detail there is, 0..100: steps between neighbours, cut to whole percents. */
function quality(grid) {
  let steps = 0;
  for (let y = 0; y < GRID; y += 1) {
    for (let x = 0; x < GRID; x += 1) {
      const here = grid[y * GRID + x];
      if (x + 1 < GRID) steps += percent(grid[y * GRID + x + 1], here);
      if (y + 1 < GRID) steps += percent(grid[(y + 1) * GRID + x], here);
    }
  }
  return Math.min(Math.floor(steps / 90), 100);
}

function percent(next, here) {
  return Math.abs(Math.trunc(Math.fround(Math.fround(Math.fround(next - here) * 100) / 255)));
}
