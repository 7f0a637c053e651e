// The first view: totals, the timeline, what is wrong, charts, the account.

// Incidents that are listed; the filter of the messages finds the others.
const MOST_INCIDENTS = 200;

class Overview {
  constructor(store, choose) {
    this.store = store;
    this.lanes = new Lanes(store, choose);
    this.element = byId("overview");
    this.element.append(
      this.totals(),
      this.notes(),
      make("section", { class: "timeline" },
        make("h2", {}, "Connections over time"),
        make("p", { class: "quiet" }, "Messages of the client are above the line, those of the server below it. Marks over the whole height are gaps and broken rules. A click goes to the nearest of them."),
        this.lanes.element),
      this.incidents(),
      make("section", {}, make("h2", {}, "Charts"), figures(store, store.rows, store.connections)),
      account(store.connections, "Account of all bytes"));
  }

  show() {
    this.lanes.show();
  }

  totals() {
    const { store } = this;
    const sum = (of) => store.connections.reduce((total, one) => total + of(one), 0);
    const read = counter(store.connections, ["client", "server"]);
    const card = (name, value, style, title) => make("div", { class: `card ${style ?? ""}`, title }, make("dt", {}, name), make("dd", {}, value));
    const bad = (number, style = "bad") => (number ? style : "");
    const faults = sum((one) => one.faults);
    const violations = sum((one) => one.violations);
    return make("dl", { class: "cards", "aria-label": "Totals" },
      card("Connections", count(store.connections.length)),
      card("Messages", count(sum((one) => one.messages))),
      card("Contents", bytes(read("content")), "", counted(read("content"), "byte")),
      card("Time", span(this.lanes.length)),
      card("Captured", bytes(read("bytes") - read("missing")), "", counted(read("bytes") - read("missing"), "byte")),
      card("Missing", bytes(read("missing")), bad(read("missing")), "bytes that no packet of the capture has"),
      card("Late", bytes(read("late")), bad(read("late"), "warn"), "bytes in packets that came too late to be read"),
      card("Lost", bytes(read("lost")), bad(read("lost")), "bytes that cannot be assigned to frames because of a gap"),
      card("Gaps", count(sum((one) => one.gaps)), bad(sum((one) => one.gaps))),
      card("Messages not ok", count(faults), bad(faults, "warn"), "incomplete, not inflated, over a limit, or against a rule"),
      card("Broken rules", count(violations), bad(violations)));
  }

  notes() {
    const { summary, base, connections } = this.store;
    const [day, clock] = moment(base);
    const files = summary.files.map((name) => visible(name));
    const named = files.length > 5 ? `${files.slice(0, 5).join(", ")} and ${counted(files.length - 5, "more file")}` : files.join(", ");
    const tls = connections.filter(({ row }) => row.tls_status);
    const unread = tls.filter(({ row }) => row.tls_status !== "ok").length;
    return make("section", { class: "notes", "aria-label": "About this report" },
      pairs(
        ["Captures", named],
        ["Begins", connections.length ? `${day} ${clock} UTC` : null],
        ["Selection", summary.selection.map((one) => visible(one)).join("; ")],
        ["Contents", summary.content ? null : "left out"],
        ["TLS", tls.length ? `${counted(tls.length, "connection")} encrypted, ${unread ? `${count(unread)} of them not read` : "all read"}` : null],
        ["Written by", visible(summary.producer)]),
      summary.notes.map((note) => make("p", { class: "note" }, visible(note))));
  }

  incidents() {
    const { store } = this;
    const isIncident = (row) => store.kind[row] >= GAP || (store.kind[row] < PING && store.status[row] !== 0);
    const rows = [];
    let more = 0;
    for (const row of store.rows) {
      if (!isIncident(row)) continue;
      if (rows.length < MOST_INCIDENTS) rows.push(row);
      else more += 1;
    }
    const problems = store.connections.filter(({ row }) => row.problems?.length).slice(0, MOST_INCIDENTS);
    if (!rows.length && !problems.length) {
      return make("section", {}, make("h2", {}, "Gaps and faults"), make("p", { class: "quiet" }, "None: all messages are whole, and no side broke a rule."));
    }
    const list = make("ol", { class: "incidents", tabindex: "0", "aria-label": "Gaps and faults" },
      rows.map((row) => this.incident(row)),
      problems.map((connection) => connection.row.problems.map((problem) => make("li", {},
        make("a", { href: `#${connection.number}` }, `connection ${connection.number}`), ` ${visible(problem)}`))));
    return make("section", {}, make("h2", {}, "Gaps and faults"), list,
      more ? make("p", { class: "quiet" }, `${counted(more, "more row")}: choose “not ok” in the filter of `, make("a", { href: "#all" }, "all messages"), ".") : null);
  }

  incident(row) {
    const { store } = this;
    const { number } = store.connections[store.connection[row]];
    const text = make("span", {}, store.kind[row] >= PING ? eventText(store, row, null) : `Message ${store.number[row]} is ${STATUSES[store.status[row]].replaceAll("_", " ")}`);
    if (store.kind[row] >= PING) {
      store.content(store.costs.get(row) ?? row).then((content) => text.replaceChildren(eventText(store, row, eventDetail(content))));
    }
    return make("li", {},
      make("a", { href: `#${number}/${placeOf(store, row)}` }, `connection ${number}, ${sideOf(store, row)}`),
      make("span", { class: "quiet" }, ` +${span(store.time[row] - this.lanes.start)} `), text);
  }
}
