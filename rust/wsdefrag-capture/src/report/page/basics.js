// Elements, and values as texts for people.
//
// All of a capture becomes text here, by text nodes. Nothing is parsed as HTML.

const byId = (id) => document.getElementById(id);

// Makes an element. Attributes whose names begin with "on" are listeners; null and false set nothing.
function make(name, attributes, ...children) {
  const element = document.createElement(name);
  setAll(element, attributes, children);
  return element;
}

// Makes an element of SVG.
function draw(name, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  setAll(element, attributes, children);
  return element;
}

function setAll(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
}

// A list of names and values. Pairs without a value are left out.
function pairs(...list) {
  const rows = list.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return make("dl", { class: "pairs" }, rows.map(([name, value]) =>
    make("div", {}, make("dt", {}, name), make("dd", {}, value))));
}

// A table: titles of columns, and rows of cells. The first cell of a row is its title.
function table(titles, rows, caption) {
  return make("table", {},
    caption ? make("caption", {}, caption) : null,
    make("thead", {}, make("tr", {}, titles.map((title) => make("th", { scope: "col" }, title)))),
    make("tbody", {}, rows.map(([first, ...rest]) => make("tr", {},
      make("th", { scope: "row" }, first), rest.map((cell) => make("td", {}, cell))))));
}

const INVISIBLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

// A text without characters that hide, move or turn other text. `lines`: whether line feeds and tabs
// stay.
function visible(text, lines = false) {
  return text.replace(INVISIBLE, (one) => {
    const code = one.codePointAt(0);
    if (lines && (code === 9 || code === 10)) return one;
    if (code < 0x20) return String.fromCodePoint(0x2400 + code);
    if (code === 0x7f) return "\u2421";
    return `\u27e8U+${code.toString(16).toUpperCase().padStart(4, "0")}\u27e9`;
  });
}

const count = (number) => number.toLocaleString("en-US");

// "1 message", "2 messages".
const counted = (number, noun) => `${count(number)} ${noun}${number === 1 ? "" : "s"}`;

// A number of bytes, rounded to three digits.
function bytes(number) {
  if (number < 1024) return `${number} B`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let unit = -1;
  while (number >= 1000 && unit < units.length - 1) {
    number /= 1024;
    unit += 1;
  }
  return `${number.toPrecision(number >= 100 ? 3 : 2)} ${units[unit]}`;
}

// A time span in nanoseconds.
function span(nanoseconds) {
  const sign = nanoseconds < 0 ? "\u2212" : "";
  const size = Math.abs(nanoseconds);
  const short = (number) => Number(number.toPrecision(3)).toString();
  if (size < 1000) return `${sign}${size} ns`;
  if (size < 999500) return `${sign}${short(size / 1e3)} \u00b5s`;
  if (size < 999.5e6) return `${sign}${short(size / 1e6)} ms`;
  const seconds = size / 1e9;
  if (seconds < 60) return `${sign}${short(seconds)} s`;
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return sign + (hours ? `${count(hours)} h ${minutes} min` : `${minutes} min ${whole % 60} s`);
}

const SECOND = 1_000_000_000n;

// The parts of a time in nanoseconds since 1970 (a BigInt), in UTC: date, time of day, and the nine
// digits of the fraction.
function moment(time) {
  let seconds = time / SECOND;
  let rest = time % SECOND;
  if (rest < 0n) [seconds, rest] = [seconds - 1n, rest + SECOND];
  const date = new Date(Number(seconds) * 1000);
  const fraction = rest.toString().padStart(9, "0");
  if (Number.isNaN(date.getTime())) return [`${seconds}`, "", fraction];
  const [day, clock] = date.toISOString().split("T");
  return [day, clock.slice(0, 8), fraction];
}

// Waits until the browser has had time for what the user does.
const pause = () => new Promise((resolve) => setTimeout(resolve));
