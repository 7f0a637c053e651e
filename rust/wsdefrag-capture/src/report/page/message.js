// One row: its facts, and its content as text, JSON or bytes.

// Bytes of a content that are shown at first, and that each further step adds.
const MOST_TEXT = 256 * 1024;
const MOST_HEX = 16 * 1024;

class MessagePane {
  constructor(store, step) {
    this.store = store;
    this.row = null;
    this.view = null;
    const button = (text, title, action) => make("button", { type: "button", title, onclick: action }, text);
    this.heading = make("h3", { tabindex: "-1" });
    this.factsElement = make("div", {});
    this.tabs = Object.fromEntries([["json", "JSON"], ["text", "Text"], ["hex", "Hex"]].map(([name, text]) =>
      [name, make("button", { type: "button", role: "tab", "aria-controls": "content", onclick: () => this.choose(name) }, text)]));
    const tabs = make("div", { class: "tabs", role: "tablist", "aria-label": "How the content is shown" }, Object.values(this.tabs));
    tabs.addEventListener("keydown", (event) => moveTab(event, Object.values(this.tabs)));
    this.note = make("span", { class: "quiet", role: "status" });
    this.tools = make("div", { class: "content-tools" }, tabs,
      button("Copy", "Copy the content as it is shown (c)", () => this.copy()),
      button("Save", "Save the bytes of the content as a file", () => this.save()), this.note);
    this.contentElement = make("div", { id: "content", role: "tabpanel", "aria-label": "Content" });
    this.empty = make("p", { class: "quiet" }, "Choose a row of the list.");
    this.full = make("div", { hidden: true },
      make("div", { class: "message-title" }, this.heading,
        make("div", { class: "tools" },
          button("\u2191", "The row before (k)", () => step(-1)), button("\u2193", "The row after (j)", () => step(1)))),
      this.factsElement, this.tools, this.contentElement);
    this.element = make("div", { class: "pane-body", id: "message-pane" }, this.empty, this.full);
  }

  clear() {
    this.row = null;
    this.full.hidden = true;
    this.empty.hidden = false;
  }

  async show(row) {
    const { store } = this;
    this.row = row;
    const isLong = store.length[row] > MOST_TEXT;
    const [content, detail, cost] = await Promise.all([
      store.content(row, MOST_TEXT), store.detail(row),
      store.costs.has(row) ? store.content(store.costs.get(row)) : null,
    ]);
    if (this.row !== row) return;
    this.full.hidden = false;
    this.empty.hidden = true;
    const { number } = store.connections[store.connection[row]];
    const isEvent = store.kind[row] >= PING;
    this.heading.textContent = isEvent ? `${capital(kindName(store, row))} in connection ${number}` : `Message ${store.number[row]} of connection ${number}`;
    const event = isEvent ? eventDetail(cost ?? content) : null;
    this.factsElement.replaceChildren(isEvent ? this.eventFacts(row, detail, event) : this.messageFacts(row, detail));
    this.note.textContent = "";
    this.shown = isEvent ? (event.payload ? fromBase64(event.payload) : new Uint8Array(0)) : content;
    const hasContent = this.shown.length > 0 || (!isEvent && store.summary.content);
    this.tools.hidden = this.contentElement.hidden = !hasContent;
    if (!hasContent) return;
    const text = isEvent ? strictText(this.shown) : isTextual(store, row) ? utf8(this.shown) : strictText(this.shown);
    this.text = text;
    this.json = text !== null && !isLong ? jsonElement(text) : null;
    this.tabs.json.hidden = !this.json;
    this.tabs.text.hidden = text === null;
    const first = this.json ? "json" : text !== null && (isTextual(store, row) || isEvent) ? "text" : "hex";
    const isPossible = this.view === "hex" || (this.view === "text" && text !== null && isTextual(store, row));
    this.draw(isPossible ? this.view : first);
  }

  choose(view) {
    this.view = view;
    this.draw(view);
  }

  // Shows the next of the possible views.
  nextView() {
    const views = Object.keys(this.tabs).filter((name) => !this.tabs[name].hidden);
    if (this.row !== null) this.choose(views[(views.indexOf(this.drawn) + 1) % views.length]);
  }

  draw(view) {
    this.drawn = view;
    for (const [name, tab] of Object.entries(this.tabs)) {
      tab.setAttribute("aria-selected", name === view);
      tab.tabIndex = name === view ? 0 : -1;
    }
    const whole = this.store.kind[this.row] < PING ? this.store.length[this.row] : this.shown.length;
    if (view === "json") this.contentElement.replaceChildren(this.json);
    else if (view === "text") {
      const text = make("pre", { class: "content", tabindex: "0" }, visible(this.text, true));
      this.contentElement.replaceChildren(text, this.more(this.shown.length, whole));
    } else {
      const shown = this.shown.subarray(0, Math.max(MOST_HEX, this.hexLength ?? 0));
      const dump = make("pre", { class: "content hex", tabindex: "0" }, hexDump(shown, isNarrow() ? 8 : 16));
      this.contentElement.replaceChildren(dump, this.more(shown.length, whole));
    }
  }

  // A line that says how much is shown, with a button for more.
  more(shown, whole) {
    if (shown >= whole) return "";
    const row = this.row;
    const grow = async () => {
      const content = await this.store.content(row, shown * 8);
      if (this.row !== row) return;
      this.shown = content;
      this.hexLength = shown * 8;
      if (this.text !== null) this.text = utf8(content);
      this.draw(this.drawn);
      this.hexLength = 0;
    };
    return make("p", { class: "quiet" }, `${bytes(shown)} of ${bytes(whole)} are shown. `, make("button", { type: "button", onclick: grow }, "Show more"));
  }

  messageFacts(row, detail) {
    const { store } = this;
    const length = store.length[row];
    const flags = store.flags[row];
    const status = STATUSES[store.status[row]];
    const payload = store.payload[row];
    return pairs(
      ["From", sideOf(store, row)],
      ["Type", kindName(store, row)],
      ["Status", status === "ok" ? "ok" : make("span", { class: "badge warn" }, STATUS_TEXTS[status] ?? status)],
      ...this.times(row, detail),
      ["Content", store.summary.content ? counted(length, "byte") : null],
      ["On the wire", `${counted(payload + detail.overhead, "byte")} in ${counted(detail.frames, "frame")}`],
      ["Compressed", flags & COMPRESSED ? `${counted(payload, "byte")}${payload && length && status === "ok" ? `, 1 : ${(length / payload).toPrecision(2)}` : ""}` : null],
      ["Not captured", detail.missing ? counted(detail.missing, "byte") : null],
      ["Found by a search", flags & RESYNCED ? "yes" : null],
      ["Authentic", flags & UNAUTHENTICATED ? "not proved: it may have bytes of TLS records that were captured in part" : null],
      ...this.places(row, detail),
      ["For wsdefrag extract", `${store.connections[store.connection[row]].number}/${sideLetter(store, row)}${store.seq[row]}`]);
  }

  eventFacts(row, detail, event) {
    const { store } = this;
    const isGap = store.kind[row] === GAP;
    return make("div", {},
      make("p", {}, eventText(store, row, event)),
      pairs(
        ["From", sideOf(store, row)],
        ...this.times(row, detail),
        ["Position in the stream", `byte ${count(event.offset ?? 0)}`],
        ["Length", isGap || store.kind[row] < GAP ? counted(store.payload[row], "byte") : null],
        ["Not captured", !isGap && detail.missing ? counted(detail.missing, "byte") : null],
        ["Messages made incomplete", isGap ? count(event.incomplete ?? 0) : null],
        ["Messages that cannot be inflated", isGap && event.undecodable !== undefined ? count(event.undecodable) : null],
        ["Bytes lost", isGap && event.lost !== undefined ? count(event.lost) : null],
        ["Rule", event.rule ? event.rule.replaceAll("_", " ") : null],
        ...this.places(row, detail),
        [`Before seq of the ${sideOf(store, row)}`, count(detail.frames)]));
  }

  times(row, detail) {
    const { store } = this;
    const [day, clock, fraction] = moment(store.base + BigInt(Math.round(store.time[row])));
    const started = store.since(store.connections[store.connection[row]].row.started);
    return [
      ["Time", `${day} ${clock}.${fraction} UTC`],
      ["Since the start", started === null ? null : span(store.time[row] - started)],
      ["From first to last byte", detail.lasted ? span(detail.lasted) : null],
    ];
  }

  places(row, detail) {
    const file = this.store.summary.files[detail.file];
    const first = detail.packet - detail.packets;
    return [
      ["Packets", !detail.packet ? null : detail.packets ? `${count(first)} to ${count(detail.packet)}` : count(detail.packet)],
      ["File", this.store.summary.files.length > 1 && file ? visible(file) : null],
    ];
  }

  async copy() {
    if (this.row === null || this.tools.hidden) return;
    const text = this.drawn === "text" ? this.text : this.contentElement.querySelector("pre").textContent;
    try {
      await navigator.clipboard.writeText(text);
      this.note.textContent = "Copied.";
    } catch {
      const range = document.createRange();
      range.selectNodeContents(this.contentElement);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      this.note.textContent = "The browser does not allow copying here; the content is selected.";
    }
  }

  async save() {
    const { store, row } = this;
    const content = store.kind[row] < PING ? await store.content(row) : this.shown;
    const { number } = store.connections[store.connection[row]];
    const address = URL.createObjectURL(new Blob([content]));
    const isText = store.kind[row] === TEXT;
    make("a", { href: address, download: `${number}-${placeOf(store, row)}.${isText ? "txt" : "bin"}` }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
  }
}

const capital = (word) => word[0].toUpperCase() + word.slice(1);

// Bytes in hexadecimal digits and as ASCII, `width` a line.
function hexDump(content, width) {
  const lines = [];
  for (let at = 0; at < content.length; at += width) {
    const line = content.subarray(at, at + width);
    const digits = Array.from(line, (byte, place) => `${place === 8 ? " " : ""}${byte.toString(16).padStart(2, "0")}`).join(" ");
    const ascii = Array.from(line, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".")).join("");
    lines.push(`${at.toString(16).padStart(8, "0")}  ${digits.padEnd(width * 3 + (width > 8 ? 1 : 0) - 1)}  ${ascii}`);
  }
  return lines.join("\n");
}
