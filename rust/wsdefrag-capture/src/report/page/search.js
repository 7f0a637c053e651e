// The filter: which rows a list shows.

// A filter is { text, mode, cased, side, type, status }; empty values choose everything.
const ALL_ROWS = { text: "", mode: "text", cased: false, side: "", type: "", status: "" };

const TYPES = {
  text: (kind) => kind === TEXT,
  binary: (kind) => kind === BINARY,
  message: (kind) => kind < PING,
  control: (kind) => kind >= PING && kind <= CLOSE,
  gap: (kind) => kind === GAP,
  violation: (kind) => kind === VIOLATION,
  event: (kind) => kind >= PING,
};

const isEmpty = (filter) => !(filter.text || filter.side || filter.type || filter.status);

// Makes a function that tells whether a content matches, or throws an Error with a sentence.
function matcher({ text, mode, cased }) {
  if (mode === "hex") {
    const digits = text.replace(/[\s:]|0x/g, "");
    if (!/^([0-9a-f]{2})+$/i.test(digits)) throw new Error("Bytes are pairs of hexadecimal digits, such as 81 05.");
    const wanted = Uint8Array.from(digits.match(/../g), (pair) => parseInt(pair, 16));
    return (content) => indexOfBytes(content, wanted) >= 0;
  }
  if (mode === "regex") {
    let expression;
    try {
      expression = new RegExp(text, cased ? "su" : "sui");
    } catch (error) {
      throw new Error(`Not a regular expression: ${error.message.replace(/^Invalid regular expression: /, "")}`);
    }
    return (content) => expression.test(utf8(content));
  }
  if (cased) return (content) => utf8(content).includes(text);
  const wanted = text.toLowerCase();
  return (content) => utf8(content).toLowerCase().includes(wanted);
}

function indexOfBytes(content, wanted) {
  const last = content.length - wanted.length;
  for (let at = content.indexOf(wanted[0]); at >= 0 && at <= last; at = content.indexOf(wanted[0], at + 1)) {
    if (wanted.every((byte, place) => content[at + place] === byte)) return at;
  }
  return -1;
}

// Whether a row matches all of the filter but its text.
function matchesColumns(store, row, { side, type, status }) {
  if (side && sideOf(store, row) !== side) return false;
  if (type && !TYPES[type](store.kind[row])) return false;
  if (!status) return true;
  const isMessage = store.kind[row] < PING;
  return status === "fault"
    ? (isMessage ? store.status[row] !== 0 : store.kind[row] >= GAP)
    : isMessage && STATUSES[store.status[row]] === status;
}

// Filters rows. Calls `found` with the rows so far and the part that was searched, from time to time
// and at the end, as long as `isWanted` says so.
async function search(store, rows, filter, isWanted, found) {
  const candidates = isEmpty({ ...filter, text: "" })
    ? rows
    : rows.filter((row) => matchesColumns(store, row, filter));
  if (!filter.text) {
    found(candidates, 1);
    return;
  }
  const matches = matcher(filter);
  const chosen = [];
  let shown = performance.now();
  for (let index = 0; index < candidates.length; index += 1) {
    const row = candidates[index];
    const content = store.contentNow(row) ?? (await store.content(row));
    if (matches(searched(store, row, content))) chosen.push(row);
    // The clock is not asked for each row.
    if (index % 256 === 0 && performance.now() - shown > 80) {
      if (!isWanted()) return;
      found(Uint32Array.from(chosen), index / candidates.length);
      await pause();
      if (!isWanted()) return;
      shown = performance.now();
    }
  }
  if (isWanted()) found(Uint32Array.from(chosen), 1);
}

const encodeText = new TextEncoder();

// What is searched of a row: its content; of an event, its sentence.
function searched(store, row, content) {
  if (store.kind[row] < PING) return content;
  return encodeText.encode(eventText(store, row, eventDetail(content)));
}
