// The rows, the connections and the contents of the report.
//
// Of each row, what lists and charts need is decoded at the start, into one array for each column:
// about 40 bytes a row. Contents are decoded block by block when they are looked at, and the last
// blocks are kept.

// What the page was written with: see `mod.rs`, `rows.rs` and `contents.rs`.
const FORMAT = 1;
const ROW_BLOCK = 16384;
const CONTENT_BLOCK = 262144;

// Blocks of contents that are kept: 32 MiB.
const KEPT_BLOCKS = 128;

const CONTINUATION = 0;
const TEXT = 1;
const BINARY = 2;
const PING = 3;
const PONG = 4;
const CLOSE = 5;
const GAP = 6;
const VIOLATION = 7;
const COST = 8;
const KINDS = ["continuation", "text", "binary", "ping", "pong", "close", "gap", "violation"];
const STATUSES = ["ok", "incomplete", "undecodable", "too_big", "invalid_utf8", "protocol_error"];

const FROM_CLIENT = 0x10;
const COMPRESSED = 0x20;
const RESYNCED = 0x40;
const UNAUTHENTICATED = 0x80;

// The columns of numbers of an element of rows, in order.
const COLUMNS = ["connection", "time", "lasted", "number", "length", "payload", "overhead", "frames",
  "missing", "packet", "packets", "file"];

class Store {
  constructor() {
    this.summary = null;
    this.connections = [];
    this.cache = new Map();
    this.loading = new Map();
    this.blockCache = null;
  }

  // Decodes all but the contents. `progress` gets a part from 0 to 1.
  async open(progress) {
    const element = document.querySelector("script.summary");
    if (!element) throw new Error("The file is cut short: its end is missing. Write the report again.");
    this.summary = JSON.parse(utf8(await unpack(element)));
    if (this.summary.format !== FORMAT) throw new Error("The data of this page have another format.");
    this.rowElements = [...document.querySelectorAll("script.rows")];
    this.contentElements = [...document.querySelectorAll("script.contents")];
    this.allot(this.summary.rows);
    const parts = document.querySelectorAll("script.connections");
    for (const part of parts) {
      for (const line of utf8(await unpack(part)).split("\n")) if (line) this.addConnection(line);
    }
    this.connections.sort((one, other) => one.number - other.number);
    this.connections.forEach((connection, index) => this.indexes.set(connection.number, index));
    let position = 0;
    for (const [index, part] of this.rowElements.entries()) {
      position = this.addRows(await unpack(part), Number(part.dataset.first), Number(part.dataset.count), position);
      progress((index + 1) / this.rowElements.length);
    }
    this.group();
  }

  allot(rows) {
    this.count = rows;
    this.indexes = new Map();
    this.kind = new Uint8Array(rows);
    this.flags = new Uint8Array(rows);
    this.status = new Uint8Array(rows);
    this.connection = new Uint32Array(rows);
    this.time = new Float64Array(rows);
    this.length = new Uint32Array(rows);
    this.position = new Float64Array(rows);
    this.payload = new Float64Array(rows);
    this.seq = new Float64Array(rows);
    this.number = new Uint32Array(rows);
  }

  // A connection, from a JSON line. Its times are kept as texts: they have more digits than numbers.
  addConnection(line) {
    const exact = line.replace(/"(opened|started|last|close_time|duration)": (-?\d+)\.(\d+)/g,
      (_, name, seconds, fraction) => `"${name}": "${seconds}${fraction.padEnd(9, "0")}"`);
    const row = JSON.parse(exact);
    this.connections.push({ number: row.connection, row, rows: new Uint32Array(0), gaps: 0, violations: 0, faults: 0, messages: 0 });
  }

  // Decodes an element of rows. Returns where the contents of the next one begin.
  addRows(data, first, rows, position) {
    const column = Object.fromEntries(splitColumns(data, rows).map((numbers, index) => [COLUMNS[index], numbers]));
    let [connection, lastNumber, index] = [0, null, 0];
    let time = 0;
    for (let row = first; row < first + rows; row += 1) {
      const kind = data[row - first];
      this.kind[row] = kind & 0x0f;
      this.flags[row] = kind & 0xf0;
      this.status[row] = data[rows + row - first];
      connection += column.connection.signed();
      if (connection !== lastNumber) [lastNumber, index] = [connection, this.indexOf(connection)];
      this.connection[row] = index;
      if (row === first) {
        // The first time of an element counts from 1970; all others from the start of the report.
        const start = column.time.big();
        this.base ??= start;
        time = Number(start - this.base);
      } else {
        time += column.time.signed();
      }
      this.time[row] = time;
      this.seq[row] = this.nextSeq(index, this.flags[row], this.kind[row], column.number.signed());
      const length = column.length.next();
      this.length[row] = length;
      this.position[row] = position;
      position += length;
      this.payload[row] = length + column.payload.signed();
    }
    return position;
  }

  indexOf(number) {
    let index = this.indexes.get(number);
    if (index === undefined) {
      // Only in a page that was cut: the row of its connection is missing.
      index = this.connections.length;
      this.connections.push({ number, row: {}, rows: new Uint32Array(0), gaps: 0, violations: 0, faults: 0, messages: 0 });
      this.indexes.set(number, index);
    }
    return index;
  }

  // The number of a row in its direction; messages and events are counted separately.
  nextSeq(index, flags, kind, leftOut) {
    const connection = this.connections[index];
    connection.next ??= [0, 0, 0, 0];
    const counter = (kind >= PING ? 2 : 0) + (flags & FROM_CLIENT ? 1 : 0);
    const seq = connection.next[counter] + leftOut;
    if (kind !== COST) connection.next[counter] = seq + 1;
    return seq;
  }

  // Gives each connection its rows, in order, and each message its number.
  group() {
    const counts = new Uint32Array(this.connections.length);
    const places = new Map();
    this.costs = new Map();
    let shown = 0;
    for (let row = 0; row < this.count; row += 1) {
      if (this.kind[row] === GAP) places.set(this.eventKey(row), row);
      if (this.kind[row] === COST) {
        const gap = places.get(this.eventKey(row));
        if (gap !== undefined) {
          this.costs.set(gap, row);
          continue;
        }
        this.kind[row] = GAP;
      }
      counts[this.connection[row]] += 1;
      shown += 1;
    }
    this.connections.forEach((connection, index) => {
      connection.rows = new Uint32Array(counts[index]);
      counts[index] = 0;
      delete connection.next;
    });
    this.rows = new Uint32Array(shown);
    shown = 0;
    for (let row = 0; row < this.count; row += 1) {
      const kind = this.kind[row];
      if (kind === COST) continue;
      const index = this.connection[row];
      const connection = this.connections[index];
      connection.rows[counts[index]++] = row;
      this.rows[shown++] = row;
      if (kind < PING) this.number[row] = connection.messages++;
      if (kind === GAP) connection.gaps += 1;
      else if (kind === VIOLATION) connection.violations += 1;
      else if (this.status[row]) connection.faults += 1;
    }
    this.base ??= this.connections.length ? BigInt(this.connections[0].row.opened ?? 0) : 0n;
  }

  eventKey(row) {
    return `${this.connection[row]} ${this.flags[row] & FROM_CLIENT} ${this.seq[row]}`;
  }

  isFromClient(row) {
    return (this.flags[row] & FROM_CLIENT) !== 0;
  }

  // A time of a connection (nanoseconds since 1970, as text) as nanoseconds since the start.
  since(text) {
    return text === undefined || text === null ? null : Number(BigInt(text) - this.base);
  }

  // What of a row lists do not need: decoded when it is looked at.
  async detail(row) {
    const block = Math.floor(row / ROW_BLOCK);
    if (this.blockCache?.block !== block) {
      const part = this.rowElements[block];
      this.blockCache = { block, rows: decodeDetails(await unpack(part), Number(part.dataset.count)) };
    }
    return this.blockCache.rows(row - block * ROW_BLOCK);
  }

  // The content of a row, or its first `most` bytes.
  async content(row, most = Infinity) {
    for (const block of this.blocksOf(row, most)) await this.load(block);
    return this.contentNow(row, most) ?? this.contentSlow(row, most);
  }

  // The same if it is decoded already, else null.
  contentNow(row, most = Infinity) {
    const [start, end] = this.range(row, most);
    if (start === end) return new Uint8Array(0);
    const [first, last] = [Math.floor(start / CONTENT_BLOCK), Math.floor((end - 1) / CONTENT_BLOCK)];
    const block = this.cache.get(first);
    if (!block) return null;
    if (first === last) return block.subarray(start - first * CONTENT_BLOCK, end - first * CONTENT_BLOCK);
    const blocks = this.blocksOf(row, most).map((one) => this.cache.get(one));
    return blocks.every(Boolean) ? join(blocks, start, end) : null;
  }

  // A content of more blocks than are kept.
  async contentSlow(row, most) {
    const blocks = [];
    for (const block of this.blocksOf(row, most)) blocks.push(await this.load(block));
    return join(blocks, ...this.range(row, most));
  }

  range(row, most) {
    return [this.position[row], this.position[row] + Math.min(this.length[row], most)];
  }

  blocksOf(row, most) {
    const [start, end] = this.range(row, most);
    const blocks = [];
    for (let block = Math.floor(start / CONTENT_BLOCK); block * CONTENT_BLOCK < end; block += 1) blocks.push(block);
    return start === end ? [] : blocks;
  }

  // A block of contents.
  async load(block) {
    const kept = this.cache.get(block);
    if (kept) {
      this.cache.delete(block);
      this.cache.set(block, kept);
      return kept;
    }
    if (!this.loading.has(block)) {
      this.loading.set(block, unpack(this.contentElements[block]).finally(() => this.loading.delete(block)));
    }
    const data = await this.loading.get(block);
    this.cache.set(block, data);
    for (const oldest of this.cache.keys()) {
      if (this.cache.size <= KEPT_BLOCKS) break;
      this.cache.delete(oldest);
    }
    return data;
  }
}

// The bytes from `start` to `end` of the stream that these blocks are a part of.
function join(blocks, start, end) {
  const joined = new Uint8Array(end - start);
  let at = -(start % CONTENT_BLOCK);
  for (const block of blocks) {
    const from = Math.max(0, -at);
    joined.set(block.subarray(from, from + joined.length - Math.max(at, 0)), Math.max(at, 0));
    at += block.length;
  }
  return joined;
}

// The columns of numbers of an element. The bytes of kinds and statuses come before them.
function splitColumns(data, rows) {
  const columns = [];
  let at = 2 * rows;
  for (let column = 0; column < COLUMNS.length; column += 1) {
    const numbers = new Numbers(data);
    numbers.at = at;
    columns.push(numbers);
    for (let row = 0; row < rows; row += 1) while (data[at++] >= 0x80);
  }
  return columns;
}

// A function that gives the rest of a row by its place in an element.
function decodeDetails(data, rows) {
  const [, , lasted, , , , overhead, frames, missing, packet, packets, file] = splitColumns(data, rows);
  const read = (numbers, next) => Float64Array.from({ length: rows }, () => next.call(numbers));
  const summed = (numbers) => {
    let sum = 0;
    return Float64Array.from({ length: rows }, () => (sum += numbers.signed()));
  };
  const columns = {
    lasted: read(lasted, lasted.signed),
    overhead: read(overhead, overhead.next),
    frames: read(frames, frames.next),
    missing: read(missing, missing.next),
    packet: summed(packet),
    packets: read(packets, packets.signed),
    file: summed(file),
  };
  return (row) => Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, values[row]]));
}
