// Reads the data of the page: text of 85 characters, in which there are zlib streams, in which there
// are numbers. `base85.rs` and `rows.rs` say how they are written.

const DIGITS = (() => {
  const digits = new Uint8Array(128);
  for (let digit = 0; digit < 85; digit += 1) digits[35 + digit] = digit;
  for (const [one, other] of ["!&", "x<", "~>"]) digits[one.charCodeAt(0)] = digits[other.charCodeAt(0)];
  return digits;
})();

// The bytes of a text.
function decode85(text) {
  const groups = Math.floor(text.length / 5);
  const rest = text.length % 5;
  const decoded = new Uint8Array(groups * 4 + Math.max(rest - 1, 0));
  const digit = (at) => DIGITS[text.charCodeAt(at)];
  let to = 0;
  let at = 0;
  for (let group = 0; group < groups; group += 1, at += 5) {
    const high = (digit(at) * 85 + digit(at + 1)) * 85 + digit(at + 2);
    const number = (high * 85 + digit(at + 3)) * 85 + digit(at + 4);
    decoded[to++] = number >>> 24;
    decoded[to++] = number >>> 16;
    decoded[to++] = number >>> 8;
    decoded[to++] = number;
  }
  if (rest > 1) {
    let number = 0;
    for (let place = 0; place < 5; place += 1) number = number * 85 + (place < rest ? digit(at + place) : 84);
    for (let place = 0; place < rest - 1; place += 1) decoded[to++] = number >>> (24 - 8 * place);
  }
  return decoded;
}

// The bytes that an element has.
async function unpack(element) {
  const packed = new Blob([decode85(element.textContent)]);
  const stream = packed.stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const decodeText = new TextDecoder();
const utf8 = (content) => decodeText.decode(content);

// Reads numbers of seven bits a byte. They are exact up to 2^53.
class Numbers {
  constructor(data) {
    this.data = data;
    this.at = 0;
  }

  byte() {
    return this.data[this.at++];
  }

  // A number from 0.
  next() {
    let byte = this.data[this.at++];
    if (byte < 0x80) return byte;
    let number = byte & 0x7f;
    let scale = 128;
    do {
      byte = this.data[this.at++];
      number += (byte & 0x7f) * scale;
      scale *= 128;
    } while (byte >= 0x80);
    return number;
  }

  // A number of either sign.
  signed() {
    const number = this.next();
    return number % 2 ? -(number + 1) / 2 : number / 2;
  }

  // The same, exact.
  big() {
    let number = 0n;
    let shift = 0n;
    let byte;
    do {
      byte = this.data[this.at++];
      number |= BigInt(byte & 0x7f) << shift;
      shift += 7n;
    } while (byte >= 0x80);
    return number & 1n ? -(number + 1n) / 2n : number / 2n;
  }
}
