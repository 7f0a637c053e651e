// Charts of rows: when messages came, how long they are, how fast they are answered.

// Bars of the chart of times; at most this many marks of gaps.
const BARS = 120;
const MOST_MARKS = 400;

const SIDES = [{ name: "client", style: "from-client" }, { name: "server", style: "from-server" }];

const emptySeries = (bars) => SIDES.map((side) => ({ ...side, values: new Array(bars).fill(0) }));

const seriesOf = (store, series, row) => series[store.isFromClient(row) ? 0 : 1].values;

// The charts of these rows; `connections` are those that they belong to.
function figures(store, rows, connections) {
  const charts = [overTime(store, rows), sizes(store, rows), ...latencies(store, connections)];
  return make("div", { class: "charts" }, charts.filter(Boolean));
}

// The first and the last time of rows, whatever their order.
function timesOf(store, rows) {
  let [first, last] = [Infinity, -Infinity];
  for (const row of rows) {
    first = Math.min(first, store.time[row]);
    last = Math.max(last, store.time[row]);
  }
  return [first, last];
}

function overTime(store, rows) {
  if (!rows.length) return null;
  const [first, last] = timesOf(store, rows);
  const length = Math.max(1, last - first);
  const series = emptySeries(BARS);
  const marks = [];
  for (const row of rows) {
    const place = (store.time[row] - first) / length;
    const bar = Math.min(BARS - 1, Math.floor(place * BARS));
    if (store.kind[row] < PING) seriesOf(store, series, row)[bar] += 1;
    else if (store.kind[row] === GAP && marks.length < MOST_MARKS) marks.push(place);
  }
  const bars = series[0].values.map((_, bar) => `from ${span(Math.round(bar * length / BARS))}`);
  const start = store.base + BigInt(Math.round(first));
  const labels = [[0, moment(start)[1]], [0.5, `+${span(length / 2)}`], [1, `+${span(length)}`]];
  return barChart({ title: "Messages over time", note: `a bar is ${span(length / BARS)}`, bars, series, labels, marks });
}

// Sizes are counted by powers of four.
function sizes(store, rows) {
  const power = (size) => (size ? Math.ceil(Math.log2(size) / 2) + 1 : 0);
  const sizeOf = (row) => (store.summary.content ? store.length[row] : store.payload[row]);
  let most = -1;
  for (const row of rows) if (store.kind[row] < PING) most = Math.max(most, power(sizeOf(row)));
  if (most < 0) return null;
  const series = emptySeries(most + 1);
  for (const row of rows) {
    if (store.kind[row] < PING) seriesOf(store, series, row)[power(sizeOf(row))] += 1;
  }
  const name = (bar) => (bar ? `\u2264 ${bytes(4 ** (bar - 1))}` : "empty");
  const bars = series[0].values.map((_, bar) => name(bar));
  const every = Math.ceil(bars.length / 6);
  const labels = bars.map((text, bar) => [(bar + 0.5) / bars.length, text]).filter((_, bar) => bar % every === 0);
  return barChart({ title: "Sizes of messages", note: store.summary.content ? "" : "on the wire", bars, series, labels });
}

// Answers: from a client's message to the next message of the server. Pings: from a ping to the next
// pong of the other side (RFC 6455 section 5.5.3).
function latencies(store, connections) {
  const [answers, pings] = [[], []];
  for (const { rows } of connections) {
    let asked = null;
    const pinged = [null, null];
    for (const row of rows) {
      const [kind, time, side] = [store.kind[row], store.time[row], store.isFromClient(row) ? 1 : 0];
      if (kind < PING && side) asked = time;
      else if (kind < PING && asked !== null) {
        answers.push(time - asked);
        asked = null;
      } else if (kind === PING) pinged[side] = time;
      else if (kind === PONG && pinged[1 - side] !== null) {
        pings.push(time - pinged[1 - side]);
        pinged[1 - side] = null;
      }
    }
  }
  return [
    latencyChart("Time to the server's next message", "after a message of the client", "from-server", answers),
    latencyChart("Time from ping to pong", "of both sides", "neutral", pings),
  ];
}

// Times are counted by steps of 1, 2, 5, 10.
function latencyChart(title, what, style, times) {
  const sorted = Float64Array.from(times.filter((time) => time >= 0)).sort();
  if (!sorted.length) return null;
  const at = (part) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
  const limits = [];
  for (let unit = 1000; limits.length === 0 || limits[limits.length - 1] < sorted[sorted.length - 1]; unit *= 10) {
    limits.push(unit, 2 * unit, 5 * unit);
  }
  const values = limits.map(() => 0);
  let limit = 0;
  for (const time of sorted) {
    while (time > limits[limit]) limit += 1;
    values[limit] += 1;
  }
  const first = Math.max(0, values.findIndex(Boolean) - 1);
  const last = values.findLastIndex(Boolean) + 1;
  const shown = limits.slice(first, last);
  const bars = shown.map((time) => `\u2264 ${span(time)}`);
  const every = Math.ceil(bars.length / 6);
  const labels = bars.map((text, bar) => [(bar + 0.5) / bars.length, text]).filter((_, bar) => bar % every === 0);
  const note = `${what}: ${count(sorted.length)}; median ${span(at(0.5))}, 95 % within ${span(at(0.95))}, at most ${span(at(1))}`;
  return barChart({ title, note, bars, series: [{ name: "number", style, values: values.slice(first, last) }], labels });
}
