// Charts of bars, as SVG, each with its numbers as a table below.

const CHART = { width: 640, height: 150, left: 44, bottom: 20, top: 8 };

// `bars`: the names of the bars; `series`: [{ name, style, values }], stacked; `marks`: places in the
// chart from 0 to 1 that are marked as gaps; `labels`: [[place from 0 to 1, text]] below.
function barChart({ title, note, bars, series, labels, marks = [] }) {
  const { width, height, left, bottom, top } = CHART;
  const totals = bars.map((_, bar) => series.reduce((sum, { values }) => sum + values[bar], 0));
  const most = Math.max(1, ...totals);
  const inner = { width: width - left, height: height - bottom - top };
  const step = inner.width / Math.max(1, bars.length);
  const thickness = Math.max(0.5, step - Math.min(2, step / 5));
  const chart = draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${title}. ${note ?? ""}` });
  for (const [part, value] of scale(most)) {
    const y = top + inner.height * (1 - part);
    chart.append(
      draw("line", { class: "grid", x1: left, x2: width, y1: y, y2: y }),
      draw("text", { class: "axis", x: left - 5, y: y + 4, "text-anchor": "end" }, short(value)));
  }
  bars.forEach((name, bar) => {
    let y = top + inner.height;
    const group = draw("g", {}, draw("title", {}, `${name}: ${series.map((one) => `${one.name} ${count(one.values[bar])}`).join(", ")}`));
    for (const { style, values } of series) {
      // A bar that stands for something can be seen.
      const size = values[bar] ? Math.max(1.5, inner.height * values[bar] / most) : 0;
      y -= size;
      if (size) group.append(draw("rect", { class: style, x: left + bar * step, y, width: thickness, height: size }));
    }
    if (totals[bar]) chart.append(group);
  });
  for (const place of marks) {
    const x = left + inner.width * place;
    chart.append(draw("path", { class: "gap-mark", d: `M${x} ${height - bottom}l-4 7h8z` }));
  }
  for (const [place, text] of labels) {
    const anchor = place < 0.04 ? "start" : place > 0.96 ? "end" : "middle";
    chart.append(draw("text", { class: "axis", x: left + inner.width * place, y: height - 4, "text-anchor": anchor }, text));
  }
  return make("figure", { class: "chart" },
    make("figcaption", {}, make("strong", {}, title), " ", make("span", { class: "quiet" }, note ?? "")),
    series.length > 1 ? legend(series, marks.length) : null,
    chart,
    make("details", { class: "numbers" }, make("summary", {}, "Numbers"),
      table(["", ...series.map((one) => one.name)],
        bars.map((name, bar) => [name, ...series.map((one) => count(one.values[bar]))]).filter((_, bar) => totals[bar]))));
}

function legend(series, hasMarks) {
  return make("p", { class: "legend" },
    series.map(({ name, style }) => make("span", {}, make("i", { class: style }), name)),
    hasMarks ? make("span", {}, make("i", { class: "gap-key" }), "gap") : null);
}

// Up to three lines of the scale: [part of the height, value].
function scale(most) {
  const unit = 10 ** Math.floor(Math.log10(most));
  const step = [5, 2, 1, 0.5].map((part) => part * unit).find((size) => most / size >= 2 && size >= 1) ?? Math.max(1, unit);
  const lines = [];
  for (let value = step; value <= most; value += step) lines.push([value / most, value]);
  return lines;
}

function short(number) {
  if (number < 10_000) return count(number);
  return number < 1e6 ? `${number / 1e3}k` : `${Number((number / 1e6).toPrecision(3))}M`;
}
