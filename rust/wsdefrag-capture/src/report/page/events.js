// Rows in words.

const EFFECTS = {
  nothing: "in a part that is not read",
  frame: "inside a frame; reading goes on after the frame",
  window: "inside a compressed frame; later compressed messages refer to it",
  search: "over the start of a frame; frames are searched for",
  end: "over the start of a frame; the rest of this direction is not read (--resync searches for frames)",
};

const STATUS_TEXTS = {
  incomplete: "incomplete: bytes of it were not captured",
  undecodable: "captured whole, but cannot be inflated without earlier messages; its compressed bytes are shown",
  too_big: "over a limit; only the part within it is shown",
  invalid_utf8: "a text that is not UTF-8",
  protocol_error: "a rule was broken inside it; it is shown up to there",
};

const sideLetter = (store, row) => (store.isFromClient(row) ? "c" : "s");
const sideOf = (store, row) => (store.isFromClient(row) ? "client" : "server");

// The members of an event's text: `event_text.rs`.
function eventDetail(content) {
  return content.length ? JSON.parse(utf8(content)) : {};
}

// An event as a sentence. `detail` is null while its content is not decoded.
function eventText(store, row, detail) {
  const kind = store.kind[row];
  const length = store.payload[row];
  if (kind === GAP) {
    const missing = length ? `${counted(length, "byte")} not captured` : "bytes not captured, how many is unknown";
    return detail ? `Gap: ${missing}, ${EFFECTS[detail.effect] ?? ""}` : `Gap: ${missing}`;
  }
  if (kind === VIOLATION) return detail ? `Broken rule: ${visible(detail.error ?? "")}` : "Broken rule";
  if (kind === CLOSE) {
    if (!detail) return "Close";
    const code = detail.close_code ?? "code not captured";
    return `Close ${code}${detail.close_reason ? ` “${visible(detail.close_reason)}”` : ""}`;
  }
  const name = kind === PING ? "Ping" : "Pong";
  const payload = detail?.payload ? fromBase64(detail.payload) : null;
  return payload?.length ? `${name} ${payloadText(payload)}` : name;
}

// A short payload: as text if it is printable, else in hexadecimal digits.
function payloadText(payload) {
  const text = strictText(payload);
  return text !== null && !/[\u0000-\u001f\u007f]/.test(text) ? `“${visible(text)}”` : hexDigits(payload);
}

function fromBase64(text) {
  return Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
}

const hexDigits = (content) => Array.from(content, (byte) => byte.toString(16).padStart(2, "0")).join(" ");

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

// The text of bytes that are UTF-8, else null.
function strictText(content) {
  try {
    return strict.decode(content);
  } catch {
    return null;
  }
}

// Whether the content of a row is shown as text first.
function isTextual(store, row) {
  const status = STATUSES[store.status[row]];
  return store.kind[row] === TEXT && status !== "undecodable";
}

// Characters of a preview, and bytes that are decoded for it.
const PREVIEW = 240;

// The start of a row's content in one line, or null if it is not decoded yet.
function preview(store, row) {
  const kind = store.kind[row];
  if (kind >= PING) {
    const content = store.contentNow(row);
    return content && eventText(store, row, eventDetail(content));
  }
  const content = store.contentNow(row, PREVIEW * 3);
  if (!content) return null;
  return isTextual(store, row)
    ? visible(utf8(content).slice(0, PREVIEW))
    : hexDigits(content.subarray(0, 48));
}

// The type of a row: of a message, or of an event.
const kindName = (store, row) => KINDS[store.kind[row]];

// Where a row is, for the address of the page: the number of a message, the side and number of an
// event.
function placeOf(store, row) {
  if (store.kind[row] < PING) return `${store.number[row]}`;
  return `event-${sideLetter(store, row)}${store.seq[row]}`;
}

// The row at such a place in a connection; -1 if there is none. A message can also be named by its
// side and the number in its direction, `seq` in the tables, as `wsdefrag extract` takes it.
function rowAt(store, connection, place) {
  const [, event, side, seq] = /^(event-)?([cs])(\d+)$/.exec(place) ?? [];
  const number = side ? Number(seq) : Number(place || NaN);
  return connection.rows.findIndex((row) => {
    const isEvent = store.kind[row] >= PING;
    if (!side) return !isEvent && store.number[row] === number;
    return isEvent === Boolean(event) && sideLetter(store, row) === side && store.seq[row] === number;
  });
}
