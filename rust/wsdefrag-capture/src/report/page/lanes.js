// The timeline: a row for each connection, with a lane that shows its messages and gaps over time.

const LANE_HEIGHT = 34;

class Lanes {
  constructor(store, choose) {
    this.store = store;
    this.connections = store.connections;
    this.choose = choose;
    const times = [];
    for (const { row } of this.connections) times.push(store.since(row.opened), store.since(row.last));
    const known = times.filter((time) => time !== null);
    const rows = timesOf(store, store.rows);
    this.start = known.reduce((one, other) => Math.min(one, other), rows[0]);
    this.end = known.reduce((one, other) => Math.max(one, other), rows[1]);
    if (!Number.isFinite(this.start)) [this.start, this.end] = [0, 1];
    this.length = Math.max(1, this.end - this.start);
    this.list = new VirtualList({
      label: "Connections", columns: 4, rowHeight: LANE_HEIGHT, rowClass: "lane-row",
      fill: (element, index) => this.fill(element, this.connections[index]),
      move: () => {},
      pick: (index) => this.choose(this.connections[index], null),
    });
    this.element = make("div", { class: "lanes" }, this.head(), this.list.element);
    this.list.element.addEventListener("click", (event) => this.clicked(event), { capture: true });
  }

  head() {
    const start = moment(this.store.base + BigInt(Math.round(this.start)));
    const times = make("span", { class: "lane-times" },
      make("span", {}, start[1]),
      make("span", {}, `+${span(this.length / 2)}`),
      make("span", {}, `+${span(this.length)}`));
    return make("div", { class: "lane-row lane-head", "aria-hidden": "true" },
      make("span", { class: "lane-number" }, "No."), make("span", { class: "lane-name" }, "Connection"),
      times, make("span", { class: "lane-facts" }, "Messages"));
  }

  show() {
    this.list.element.style.setProperty("--lanes", this.connections.length);
    this.list.setLength(this.connections.length, true);
  }

  fill(element, connection) {
    if (element.connection !== connection) {
      element.connection = connection;
      element.canvas = make("canvas", { class: "lane" });
      element.replaceChildren(
        make("span", { class: "lane-number", role: "gridcell" }, make("a", { href: `#${connection.number}` }, `${connection.number}`)),
        make("span", { class: "lane-name", role: "gridcell" }, make("bdi", {}, connectionName(connection))),
        make("span", { class: "lane-cell", role: "gridcell", "aria-label": laneText(connection) }, element.canvas),
        make("span", { class: "lane-facts", role: "gridcell" }, count(connection.messages), badges(connection)));
    }
    this.drawLane(element.canvas, connection);
  }

  drawLane(canvas, connection) {
    const { clientWidth: width, clientHeight: height } = canvas;
    const scale = window.devicePixelRatio || 1;
    const key = `${width} ${height} ${scale} ${currentColours.name}`;
    if (!width || canvas.key === key) return;
    canvas.key = key;
    [canvas.width, canvas.height] = [Math.round(width * scale), Math.round(height * scale)];
    const context = canvas.getContext("2d");
    context.scale(scale, scale);
    paintLane(context, width, height, this, connection, currentColours);
  }

  // The place of a time in a lane of this width.
  place(time, width) {
    return (time - this.start) / this.length * (width - 2) + 1;
  }

  // A click into a lane goes to the row that is nearest to it, to a gap rather than a message.
  clicked(event) {
    if (event.target.tagName !== "CANVAS") return;
    event.stopPropagation();
    const { store } = this;
    const connection = event.target.closest("[role=row]").connection;
    const { left, width } = event.target.getBoundingClientRect();
    let [nearest, least] = [null, Infinity];
    for (const row of connection.rows) {
      const isIncident = store.kind[row] >= GAP;
      const distance = Math.abs(this.place(store.time[row], width) - (event.clientX - left)) - (isIncident ? 5 : 0);
      if (distance < least) [nearest, least] = [row, distance];
    }
    this.choose(connection, nearest);
  }
}

function laneText(connection) {
  return `${counted(connection.messages, "message")}, ${counted(connection.gaps, "gap")}, ${span(Number(connection.row.duration ?? 0))}`;
}

// The name of a connection: where it went, else between whom it is.
function connectionName({ row }) {
  const server = addressText(row.server_address, row.server_port);
  return visible(row.host || row.path ? `${row.host ?? server}${row.path ?? ""}` : `${addressText(row.client_address, row.client_port)} \u2192 ${server}`);
}

const addressText = (address, port) => (address?.includes(":") ? `[${address}]:${port}` : `${address}:${port}`);

// What is wrong with a connection, in short.
function badges({ row, gaps, violations, faults }) {
  const badge = (style, text) => make("span", { class: `badge ${style}` }, text);
  return [
    gaps ? badge("bad", counted(gaps, "gap")) : null,
    violations ? badge("bad", counted(violations, "violation")) : null,
    faults ? badge("warn", `${count(faults)} not ok`) : null,
    row.ended === "refused" ? badge("warn", "refused") : null,
    row.tls_status && row.tls_status !== "ok" ? badge("warn", "TLS not read") : null,
  ];
}

// Paints a lane: how long the connection lasted, messages of the client above the middle and of the
// server below it, and gaps and broken rules from top to bottom.
function paintLane(context, width, height, lanes, connection, colours) {
  const { store } = lanes;
  const middle = height / 2;
  const from = lanes.place(store.since(connection.row.opened) ?? lanes.start, width);
  const to = lanes.place(store.since(connection.row.last) ?? lanes.end, width);
  context.fillStyle = colours.lane;
  context.fillRect(from, middle - 1, Math.max(2, to - from), 2);
  const columns = Math.max(1, Math.round(width));
  const counts = [new Uint32Array(columns), new Uint32Array(columns)];
  const incidents = [];
  let most = 1;
  for (const row of connection.rows) {
    const column = Math.max(0, Math.min(columns - 1, Math.floor(lanes.place(store.time[row], width))));
    const kind = store.kind[row];
    if (kind >= GAP) incidents.push([column, kind]);
    else if (kind < PING) {
      const side = store.isFromClient(row) ? 0 : 1;
      counts[side][column] += 1;
      most = Math.max(most, counts[side][column]);
    }
  }
  const room = middle - 2;
  counts.forEach((values, side) => {
    context.fillStyle = side ? colours.server : colours.client;
    values.forEach((value, column) => {
      if (!value) return;
      const size = Math.max(3, room * Math.log1p(value) / Math.log1p(Math.max(most, 3)));
      context.fillRect(column, side ? middle + 1 : middle - 1 - size, 1.5, size);
    });
  });
  for (const [column, kind] of incidents) {
    context.fillStyle = kind === GAP ? colours.gap : colours.violation;
    context.fillRect(column - 0.5, 0, 2, height);
    context.beginPath();
    context.moveTo(column - 4, 0);
    context.lineTo(column + 5, 0);
    context.lineTo(column + 0.5, 6);
    context.fill();
  }
}
