// The account: what became of each byte of the WebSockets.

// The parts of two sums that are equal: by capture, and by use. A name, the counters that it adds up,
// a style, and what it means.
const BY_CAPTURE = [
  ["captured in time", (side) => side("bytes") - side("missing") - side("late"), "good", "in packets, and read"],
  ["captured too late", (side) => side("late"), "warn", "in packets that came after reading had gone on"],
  ["not captured", (side) => side("missing"), "bad", "in no packet of the capture"],
];
const BY_USE = [
  ["whole messages", (side) => side("emitted"), "good", "frames of messages that are shown whole"],
  ["control frames", (side) => side("control"), "neutral", "pings, pongs, closes"],
  ["damaged messages", (side) => side("skipped"), "warn", "frames of messages that are not whole, or over a limit"],
  ["lost", (side) => side("lost"), "bad", "cannot be assigned to frames because of a gap"],
  ["not read", (side) => side("trailing"), "quiet-bar", "after a Close, or from a broken rule on"],
];

// The sum of a counter over connections and sides, as a function of its name.
function counter(connections, sides) {
  return (name) => connections.reduce((sum, { row }) =>
    sum + sides.reduce((both, side) => both + (row[`${side}_${name}`] ?? 0), 0), 0);
}

// The account of these connections: two bars, and a table.
function account(connections, title) {
  const columns = [["client"], ["server"], ["client", "server"]].map((sides) => counter(connections, sides));
  const both = columns[2];
  const total = both("bytes");
  const row = ([name, of, style, meaning]) => [
    make("span", { title: meaning }, make("i", { class: `key ${style}` }), name),
    ...columns.map((column) => count(of(column))), percent(of(both), total)];
  return make("section", { class: "account" },
    make("h2", {}, title),
    make("p", { class: "quiet" }, "Bytes of the WebSockets after their handshakes. Each byte is counted once by whether it was captured, and once by what it belongs to."),
    stackedBar(BY_CAPTURE, both, total, "Bytes by capture"),
    stackedBar(BY_USE, both, total, "Bytes by what they belong to"),
    make("div", { class: "scrolls", tabindex: "0", role: "region", "aria-label": title },
      table(["", "Client", "Server", "Both", "Part"], [
        ["all bytes", ...columns.map((column) => count(column("bytes"))), "100 %"],
        ...BY_CAPTURE.map(row), ...BY_USE.map(row),
        ["gaps", ...columns.map((column) => count(column("gaps"))), ""],
        ["contents, inflated", ...columns.map((column) => count(column("content"))), ""],
        ["repeated segments", ...columns.map((column) => count(column("retransmissions"))), ""],
      ])));
}

function percent(number, total) {
  if (!number) return "";
  const part = 100 * number / total;
  return part < 0.1 ? "< 0.1 %" : `${part > 99.9 && number < total ? "> 99.9" : part.toFixed(1)} %`;
}

function stackedBar(parts, both, total, label) {
  const shown = parts.map(([name, of, style]) => [name, of(both), style]).filter(([, value]) => value > 0);
  const text = shown.map(([name, value]) => `${name} ${count(value)}`).join(", ") || "no bytes";
  return make("div", { class: "stacked", role: "img", "aria-label": `${label}: ${text}` },
    shown.map(([name, value, style]) => {
      const part = make("span", { class: style, title: `${name}: ${counted(value, "byte")}` }, value / total > 0.15 ? `${name} ${bytes(value)}` : "");
      part.style.flexGrow = Math.max(value / total, 0.004);
      return part;
    }));
}
