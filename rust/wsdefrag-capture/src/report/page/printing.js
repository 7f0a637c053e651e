// What is printed: a copy of the view in which lists are whole, up to a number of rows.
//
// It is made anew a moment after the view has changed, because a browser does not wait for contents
// when it begins to print.

const PRINTED_ROWS = 500;
const PRINTED_CONNECTIONS = 200;

class Printing {
  constructor(store, overview, messages) {
    Object.assign(this, { store, overview, messages });
    this.element = byId("print");
  }

  // Makes the copy soon; the last call counts.
  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.prepare(), 400);
  }

  async prepare() {
    clearTimeout(this.timer);
    const run = (this.run = {});
    const parts = byId("overview").hidden ? await this.messageParts() : this.overviewParts();
    if (this.run === run) this.element.replaceChildren(...parts.filter(Boolean));
  }

  overviewParts() {
    const { store } = this;
    const shown = store.connections.slice(0, PRINTED_CONNECTIONS);
    return [
      make("h2", {}, "Connections"),
      table(["No.", "Connection", "Began (UTC)", "Lasted", "Messages", "Gaps", "Not ok", "Ended"], shown.map((one) => [
        `${one.number}`, connectionName(one),
        one.row.started ? moment(BigInt(one.row.started)).slice(0, 2).join(" ") : "",
        span(Number(one.row.duration ?? 0)), count(one.messages), count(one.gaps), count(one.faults),
        one.row.ended?.replaceAll("_", " ") ?? ""])),
      shown.length < store.connections.length ? make("p", {}, `The first ${count(shown.length)} of ${count(store.connections.length)} connections.`) : null,
    ];
  }

  async messageParts() {
    const { store, messages } = this;
    const shown = [...messages.shown.subarray(0, PRINTED_ROWS)];
    const rows = [];
    for (const row of shown) {
      await store.content(row, PREVIEW * 3);
      const [, clock, fraction] = moment(store.base + BigInt(Math.round(store.time[row])));
      const status = store.status[row] ? `[${STATUSES[store.status[row]].replaceAll("_", " ")}] ` : "";
      rows.push([placeText(store, row, messages.connection), `${clock}.${fraction.slice(0, 6)}`, sideOf(store, row), kindName(store, row), count(store.payload[row]), status + (preview(store, row) ?? "")]);
    }
    return [
      make("h2", {}, "Messages"),
      table(["No.", "Time (UTC)", "From", "Type", "Bytes", "Content"], rows),
      shown.length < messages.shown.length ? make("p", {}, `The first ${count(shown.length)} of ${count(messages.shown.length)} rows. The filter chooses others.`) : null,
    ];
  }
}

function placeText(store, row, connection) {
  const number = store.kind[row] < PING ? `${store.number[row]}` : "";
  const own = store.connections[store.connection[row]].number;
  return connection ? number : number ? `${own}/${number}` : `${own}`;
}
