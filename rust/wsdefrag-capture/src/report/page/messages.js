// The view of a connection, or of all: the filter, the list of rows, and beside it the row that was
// chosen or the facts of the connection.

const ROW_HEIGHT = 26;

class Messages {
  // `went(connection, row)` is called when another row is shown; `connection` is null for all.
  constructor(store, went) {
    this.store = store;
    this.went = went;
    this.connection = null;
    this.shown = store.rows;
    this.filter = { ...ALL_ROWS };
    this.list = new VirtualList({
      label: "Messages", columns: 7, rowHeight: ROW_HEIGHT, rowClass: "message-row",
      fill: (element, index) => this.fill(element, this.shown[index]),
      move: (index) => this.showRow(this.shown[index]),
      pick: () => this.choosePane("message"),
    });
    this.pane = new MessagePane(store, (step) => this.step(step));
    this.heading = make("h2", { tabindex: "-1" });
    this.factsPane = make("div", { class: "pane-body", id: "facts-pane" });
    this.panes = make("div", { class: "panes" }, this.listPane(), this.sidePane());
    this.element = byId("messages");
    this.element.append(
      make("div", { class: "connection-head" }, this.heading, this.jumps()),
      this.form(), this.panes);
    this.choosePane("list");
  }

  jumps() {
    const button = (text, title, keys, action) => make("button", { type: "button", title: `${title} (${keys})`, "aria-keyshortcuts": keys, onclick: action }, text);
    return make("div", { class: "tools" },
      button("\u2190 Gap", "Go to the gap or fault before this row", "p", () => this.jump(-1)),
      button("Gap \u2192", "Go to the gap or fault after this row", "n", () => this.jump(1)),
      button("\u2190 Connection", "The connection before this one", "[", () => this.neighbour(-1)),
      button("Connection \u2192", "The connection after this one", "]", () => this.neighbour(1)));
  }

  listPane() {
    this.status = make("p", { class: "list-status", role: "status" });
    const head = make("div", { class: "message-row message-head", "aria-hidden": "true" },
      ["No.", "Time (UTC)", "From", "Type", "Bytes", "Content"].map((name) => make("span", {}, name)));
    return make("div", { class: "pane list-pane", id: "list-pane" }, this.status, head, this.list.element);
  }

  sidePane() {
    const tab = (name, text) => make("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": `${name}-pane`, onclick: () => this.choosePane(name) }, text);
    this.tabs = { list: tab("list", "List"), message: tab("message", "Message"), facts: tab("facts", "Connection") };
    const tabs = make("div", { class: "tabs", role: "tablist", "aria-label": "What is beside the list" }, Object.values(this.tabs));
    tabs.addEventListener("keydown", (event) => moveTab(event, Object.values(this.tabs)));
    return make("div", { class: "pane side-pane" }, tabs, this.pane.element, this.factsPane);
  }

  // Shows one of the panes; on a wide page the list is always there.
  choosePane(name) {
    this.panes.dataset.pane = name;
    const shown = name === "list" ? "message" : name;
    const chosen = isNarrow() ? name : shown;
    for (const [other, tab] of Object.entries(this.tabs)) {
      tab.setAttribute("aria-selected", other === chosen);
      tab.tabIndex = other === chosen ? 0 : -1;
    }
    this.pane.element.hidden = shown !== "message";
    this.factsPane.hidden = shown !== "facts";
  }

  form() {
    const options = (list) => list.map(([value, text]) => make("option", { value }, text));
    const select = (name, label, list) => make("select", { name, "aria-label": label, title: label }, options(list));
    this.problem = make("p", { class: "failure", role: "alert", hidden: true });
    this.formElement = make("form", { class: "filter", role: "search", "aria-label": "Filter" },
      make("input", { type: "search", name: "text", placeholder: "Filter contents  ( / )", "aria-label": "Filter contents", autocomplete: "off", spellcheck: "false" }),
      select("mode", "How the text is meant", [["text", "text"], ["regex", "regular expression"], ["hex", "bytes (hex)"]]),
      make("label", { title: "Upper and lower case are different" }, make("input", { type: "checkbox", name: "cased" }), "Aa"),
      select("side", "Sender", [["", "both sides"], ["client", "from client"], ["server", "from server"]]),
      select("type", "Type", [["", "all rows"], ["message", "messages"], ["text", "text"], ["binary", "binary"], ["event", "events"], ["control", "control frames"], ["gap", "gaps"], ["violation", "broken rules"]]),
      select("status", "Status", [["", "any status"], ["fault", "not ok"], ...STATUSES.map((name) => [name, name.replaceAll("_", " ")])]),
      make("button", { type: "reset", title: "Show all rows" }, "Clear"),
      this.problem);
    this.formElement.addEventListener("input", () => this.filterSoon());
    this.formElement.addEventListener("reset", () => setTimeout(() => this.applyFilter()));
    this.formElement.addEventListener("submit", (event) => event.preventDefault());
    return this.formElement;
  }

  filterSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.applyFilter(), 150);
  }

  // Shows the rows that the form chooses; the current row stays current if it is one of them.
  async applyFilter() {
    const data = new FormData(this.formElement);
    this.filter = Object.fromEntries(Object.keys(ALL_ROWS).map((name) => [name, data.get(name) ?? ""]));
    const run = (this.run = {});
    this.problem.hidden = true;
    const rows = this.connection ? this.connection.rows : this.store.rows;
    let isFirst = true;
    try {
      await search(this.store, rows, this.filter, () => this.run === run, (found, part) => {
        this.setRows(found, !isFirst);
        isFirst = false;
        this.status.textContent = this.countText(found.length, rows.length, part);
      });
    } catch (error) {
      this.problem.textContent = error.message;
      this.problem.hidden = false;
      this.setRows(new Uint32Array(0));
      this.status.textContent = "";
    }
    if (this.run === run) this.changed?.();
  }

  countText(found, all, part) {
    const text = isEmpty(this.filter) ? counted(all, "row") : `${count(found)} of ${counted(all, "row")}`;
    return part < 1 ? `${text}, ${Math.floor(part * 100)} % searched` : text;
  }

  setRows(rows, keepsPlace = false) {
    this.shown = rows;
    this.list.current = this.row === undefined || this.row === null ? -1 : indexIn(rows, this.row);
    this.list.setLength(rows.length, keepsPlace);
    if (!keepsPlace && this.list.current >= 0) this.list.setCurrent(this.list.current, false);
  }

  // Shows a connection (null: all), and a row of it or none.
  async show(connection, row) {
    if (this.connection !== connection || !this.isShown) {
      this.isShown = true;
      this.connection = connection;
      this.row = row;
      this.heading.replaceChildren(...this.title());
      this.factsPane.replaceChildren(...this.factElements());
      this.list.element.setAttribute("aria-label", connection ? `Messages of connection ${connection.number}` : "All messages");
      this.pane.clear();
      this.tabs.facts.textContent = connection ? "Connection" : "Charts";
      await this.applyFilter();
      if (row === null) this.choosePane(isNarrow() ? "list" : "facts");
    }
    if (row !== null) await this.go(row);
  }

  title() {
    if (!this.connection) return ["All messages"];
    return [make("span", { class: "quiet" }, `Connection ${this.connection.number} `), make("bdi", {}, connectionName(this.connection)), ...badges(this.connection).filter(Boolean)];
  }

  factElements() {
    const { store, connection } = this;
    const chosen = connection ? [connection] : store.connections;
    return [
      connection ? facts(store, connection) : "",
      figures(store, connection ? connection.rows : store.rows, chosen),
      account(chosen, connection ? "Account of its bytes" : "Account of all bytes"),
    ];
  }

  // Goes to a row of this connection; clears the filter if it hides the row.
  async go(row) {
    if (indexIn(this.shown, row) < 0) {
      this.formElement.reset();
      await this.applyFilter();
    }
    const index = indexIn(this.shown, row);
    if (index >= 0 && index !== this.list.current) this.list.jumpTo(index);
    else if (index >= 0 && this.pane.row !== row) this.showRow(row);
    if (index >= 0) this.choosePane("message");
  }

  showRow(row) {
    this.row = row;
    this.pane.show(row);
    if (!isNarrow()) this.choosePane("message");
    this.went(this.connection, row);
  }

  step(step) {
    this.list.setCurrent(Math.max(0, this.list.current + step));
  }

  // Goes to the next gap, broken rule or damaged message among the shown rows.
  jump(step) {
    const { store, shown } = this;
    const isIncident = (row) => store.kind[row] >= GAP || (store.kind[row] < PING && store.status[row] !== 0);
    let index = this.list.current < 0 && step < 0 ? shown.length : this.list.current;
    do index += step; while (index >= 0 && index < shown.length && !isIncident(shown[index]));
    if (index >= 0 && index < shown.length) this.list.jumpTo(index);
    else this.status.textContent = step > 0 ? "No gap or fault follows." : "No gap or fault comes before.";
  }

  neighbour(step) {
    const { connections } = this.store;
    const index = this.connection ? connections.indexOf(this.connection) + step : step > 0 ? 0 : connections.length - 1;
    if (connections[index]) location.hash = `#${connections[index].number}`;
  }

  fill(element, row) {
    const { store } = this;
    const key = `${row}`;
    const text = preview(store, row);
    if (element.key === key && (element.isComplete || text === null)) return;
    [element.key, element.isComplete] = [key, text !== null];
    if (text === null) store.content(row, PREVIEW * 3).then(() => this.list.show());
    const kind = store.kind[row];
    const [, clock, fraction] = moment(store.base + BigInt(Math.round(store.time[row])));
    const side = sideOf(store, row);
    element.dataset.side = side;
    element.dataset.kind = KINDS[kind];
    element.classList.toggle("fault", kind >= GAP || store.status[row] !== 0);
    const cell = (style, ...content) => make("span", { class: style, role: "gridcell" }, ...content);
    const connection = store.connections[store.connection[row]];
    const number = kind < PING ? `${store.number[row]}` : "";
    const status = store.status[row] ? make("span", { class: "badge warn" }, STATUSES[store.status[row]].replaceAll("_", " ")) : null;
    element.replaceChildren(
      cell("number", this.connection ? number : number ? `${connection.number}/${number}` : connection.number),
      cell("time", `${clock}.${fraction.slice(0, 6)}`),
      cell("side", side === "client" ? "\u2192" : "\u2190", make("span", { class: "word" }, ` ${side}`)),
      cell("kind", KINDS[kind]),
      cell("size", count(store.summary.content && kind < PING ? store.length[row] : store.payload[row])),
      cell("preview", status, make("bdi", {}, text === null ? "…" : !store.summary.content && kind < PING ? "" : text)));
  }
}

// The place of a row in a list of rows in their order; -1 if it is not there.
function indexIn(rows, row) {
  let [low, high] = [0, rows.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (rows[middle] === row) return middle;
    if (rows[middle] < row) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

const isNarrow = () => matchMedia("(max-width: 900px)").matches;

// Arrow keys move between the tabs of a list of tabs.
function moveTab(event, tabs) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const shown = tabs.filter((tab) => tab.offsetParent);
  const next = shown[(shown.indexOf(event.target) + step + shown.length) % shown.length];
  next.focus();
  next.click();
  event.preventDefault();
}
