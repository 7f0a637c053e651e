// JSON with line feeds and indents.
//
// The text is cut into tokens and laid out again, not parsed: so numbers stay as they are written,
// names that occur twice are both there, and deep nesting needs no recursion.

const TOKEN = /\s*(?:([{}[\],:])|("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)|(true|false|null))\s*/y;

// Texts up to this length are laid out, and up to this number of tokens coloured.
const MOST_JSON = 4 << 20;
const MOST_COLOURED = 20_000;

// The tokens of a text as [kind, text], or null if the text is not JSON (RFC 8259).
function jsonTokens(text) {
  const start = text.trimStart();
  if (text.length > MOST_JSON || !/^[{["\d-]|^(true|false|null)\s*$/.test(start)) return null;
  const tokens = [];
  // What encloses the place, as a string of brackets, and what may come next.
  const open = [];
  let next = "value";
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const match = TOKEN.exec(text);
    if (!match) return null;
    const [, mark, string, number, word] = match;
    const inside = open[open.length - 1];
    if (mark === "{" || mark === "[") {
      if (!next.startsWith("value")) return null;
      open.push(mark);
      next = mark === "{" ? "name or end" : "value or end";
    } else if (mark === "}" || mark === "]") {
      if (inside !== (mark === "}" ? "{" : "[") || !(next === "comma" || next.endsWith("or end"))) return null;
      open.pop();
      next = "comma";
    } else if (mark === ",") {
      if (next !== "comma" || !inside) return null;
      next = inside === "{" ? "name" : "value";
    } else if (mark === ":") {
      if (next !== "colon") return null;
      next = "value";
    } else if (string !== undefined && next.startsWith("name")) {
      tokens.push(["name", string]);
      next = "colon";
      continue;
    } else {
      if (!next.startsWith("value")) return null;
      next = "comma";
    }
    tokens.push(mark ? ["mark", mark] : string !== undefined ? ["string", string] : number !== undefined ? ["number", number] : ["word", word]);
  }
  return next === "comma" && !open.length ? tokens : null;
}

// Tokens as parts of a text with line feeds and indents: [kind, text].
function laidOut(tokens) {
  const parts = [];
  let depth = 0;
  // Deep nesting is not indented further: each line would be longer than the last.
  const line = () => `\n${"  ".repeat(Math.min(depth, 40))}`;
  tokens.forEach(([kind, text], index) => {
    const before = tokens[index - 1]?.[1];
    const closes = kind === "mark" && (text === "}" || text === "]");
    if (closes) depth -= 1;
    const isEmptyPair = closes && tokens[index - 1][0] === "mark" && (before === "{" || before === "[");
    const follows = tokens[index - 1]?.[0] === "mark" && (before === "{" || before === "[" || before === ",");
    if ((closes && !isEmptyPair) || (!closes && follows)) parts.push(["space", line()]);
    parts.push([kind, text === ":" ? ": " : text]);
    if (kind === "mark" && (text === "{" || text === "[")) depth += 1;
  });
  return parts;
}

// An element with the text laid out, or null if it is not JSON.
function jsonElement(text) {
  const tokens = jsonTokens(text);
  if (!tokens) return null;
  const parts = laidOut(tokens);
  const element = make("pre", { class: "content json", tabindex: "0" });
  let plain = "";
  parts.forEach(([kind, part], index) => {
    if (kind === "mark" || kind === "space" || index > MOST_COLOURED) {
      plain += visible(part, true);
      return;
    }
    element.append(plain, make("span", { class: `json-${kind}` }, visible(part, true)));
    plain = "";
  });
  element.append(plain);
  return element;
}
