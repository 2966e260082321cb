/* SHA-256 of a file of any size, piece by piece (FIPS 180-4): the browser's own wants all of a file in memory. */

const PIECE = 4 * 1024 * 1024;
/** Up to here the browser's own is used: it is faster. */
const SMALL = 64 * 1024 * 1024;

/** 64 hexadecimal digits. Rejects when the file cannot be read. */
export async function sha256(file) {
  if (file.size <= SMALL && globalThis.crypto?.subtle) {
    const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
    return hex(new Uint8Array(digest));
  }
  return inPieces(file);
}

export async function inPieces(file) {
  const digest = new Digest();
  for (let at = 0; at < file.size; at += PIECE) {
    digest.add(new Uint8Array(await file.slice(at, at + PIECE).arrayBuffer()));
  }
  return digest.finish();
}

function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The first 32 bits of the fractional parts of a root of the first primes (4.2.2, 5.3.3). */
function roots(count, exponent) {
  const found = [];
  for (let number = 2; found.length < count; number += 1) {
    let isPrime = true;
    for (let by = 2; by * by <= number; by += 1) isPrime = isPrime && number % by !== 0;
    if (isPrime) found.push(((number ** exponent % 1) * 2 ** 32) | 0);
  }
  return Int32Array.from(found);
}

const ROUNDS = roots(64, 1 / 3);

class Digest {
  constructor() {
    this.state = roots(8, 1 / 2);
    this.words = new Int32Array(64);
    this.rest = new Uint8Array(0);
    this.length = 0;
  }

  add(bytes) {
    this.length += bytes.length;
    let whole = bytes;
    if (this.rest.length > 0) {
      whole = new Uint8Array(this.rest.length + bytes.length);
      whole.set(this.rest);
      whole.set(bytes, this.rest.length);
    }
    const view = new DataView(whole.buffer, whole.byteOffset, whole.byteLength);
    let at = 0;
    for (; at + 64 <= whole.length; at += 64) this.block(view, at);
    this.rest = whole.slice(at);
  }

  finish() {
    const bits = this.length * 8;
    const end = new Uint8Array(this.rest.length < 56 ? 64 : 128);
    end.set(this.rest);
    end[this.rest.length] = 0x80;
    const view = new DataView(end.buffer);
    view.setUint32(end.length - 8, Math.floor(bits / 2 ** 32));
    view.setUint32(end.length - 4, bits >>> 0);
    for (let at = 0; at < end.length; at += 64) this.block(view, at);
    const digest = new DataView(new ArrayBuffer(32));
    this.state.forEach((word, place) => digest.setInt32(4 * place, word));
    return hex(new Uint8Array(digest.buffer));
  }

  block(view, at) {
    const words = this.words;
    for (let place = 0; place < 16; place += 1) words[place] = view.getInt32(at + 4 * place);
    for (let place = 16; place < 64; place += 1) {
      const a = words[place - 15];
      const b = words[place - 2];
      const mixed = (turn(a, 7) ^ turn(a, 18) ^ (a >>> 3)) + (turn(b, 17) ^ turn(b, 19) ^ (b >>> 10));
      words[place] = (words[place - 16] + words[place - 7] + mixed) | 0;
    }
    let a = this.state[0];
    let b = this.state[1];
    let c = this.state[2];
    let d = this.state[3];
    let e = this.state[4];
    let f = this.state[5];
    let g = this.state[6];
    let h = this.state[7];
    for (let place = 0; place < 64; place += 1) {
      const chosen = (e & f) ^ (~e & g);
      const first = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + chosen + ROUNDS[place] + words[place]) | 0;
      const second = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + first) | 0;
      d = c;
      c = b;
      b = a;
      a = (first + second) | 0;
    }
    this.state[0] += a;
    this.state[1] += b;
    this.state[2] += c;
    this.state[3] += d;
    this.state[4] += e;
    this.state[5] += f;
    this.state[6] += g;
    this.state[7] += h;
  }
}

function turn(word, by) {
  return (word >>> by) | (word << (32 - by));
}
