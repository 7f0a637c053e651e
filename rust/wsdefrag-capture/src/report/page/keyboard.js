// Keys, their help, and the colours.

const HELP = [
  ["Everywhere", [
    ["?", "this help"], ["o", "overview"], ["a", "all messages"], ["/", "go to the filter"],
    ["t", "light, dark, or the system's colours"], ["Esc", "close the help; leave the filter; back to the list"],
  ]],
  ["In a list", [
    ["\u2193 j", "next row"], ["\u2191 k", "row before"], ["Page Up, Page Down", "a page further"],
    ["Home, End", "first and last row"], ["Enter", "open the row"],
  ]],
  ["In a connection", [
    ["n", "next gap or fault"], ["p", "gap or fault before"], ["]", "next connection"], ["[", "connection before"],
    ["v", "show the content as JSON, text or bytes"], ["c", "copy the content"],
    ["m", "the message"], ["i", "the connection: facts, charts, account"],
  ]],
];

function fillHelp() {
  const help = byId("help");
  const close = make("button", { type: "button", onclick: () => help.close() }, "Close");
  help.replaceChildren(
    make("div", { class: "message-title" }, make("h2", { id: "help-title" }, "Help"), close),
    make("div", { class: "help-keys" }, HELP.map(([title, keys]) => make("section", {}, make("h3", {}, title),
      make("dl", { class: "pairs" }, keys.map(([key, meaning]) =>
        make("div", {}, make("dt", {}, make("kbd", {}, key)), make("dd", {}, meaning))))))),
    make("p", {}, "An address of a row can be shared: ", make("code", {}, "#3/17"), " after the file's name is message 17 of connection 3, counted from 0 over both sides; ",
      make("code", {}, "#3/c5"), " is message 5 of its client (seq in the tables), and ", make("code", {}, "#3"), " is the connection."),
    make("p", {}, "Invisible and control characters are shown as symbols or as their numbers. Times are those of the packets, in UTC."));
}

function listenToKeys(app) {
  const { messages, goTo } = app;
  const inMessages = () => !byId("messages").hidden;
  const help = byId("help");
  const actions = {
    "?": () => help.showModal(),
    o: () => goTo(""),
    a: () => goTo("all"),
    t: nextTheme,
    "/": () => {
      if (!inMessages()) goTo("all");
      setTimeout(() => messages.formElement.elements.text.focus());
    },
  };
  const inConnection = {
    n: () => messages.jump(1),
    p: () => messages.jump(-1),
    "]": () => messages.neighbour(1),
    "[": () => messages.neighbour(-1),
    j: () => messages.step(1),
    k: () => messages.step(-1),
    v: () => messages.pane.nextView(),
    c: () => messages.pane.copy(),
    m: () => messages.choosePane("message"),
    i: () => messages.choosePane("facts"),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    if (event.key === "Escape" && inMessages()) {
      messages.choosePane("list");
      messages.list.element.focus();
      return;
    }
    if (event.target instanceof Element && event.target.closest("input:not([type=checkbox]), textarea, select")) return;
    const action = actions[event.key] ?? (inMessages() ? inConnection[event.key] : undefined);
    if (!action) return;
    event.preventDefault();
    action();
  });
}

const THEMES = ["system", "light", "dark"];

// The colours of the lanes, which are painted and not styled.
const currentColours = { name: "" };

function setTheme(theme) {
  if (theme === "system") document.documentElement.removeAttribute("data-theme");
  else document.documentElement.setAttribute("data-theme", theme);
  byId("theme").replaceChildren(make("span", { class: "word" }, "Colours: "), theme);
  readColours();
}

function nextTheme() {
  const theme = THEMES[(THEMES.indexOf(document.documentElement.dataset.theme ?? "system") + 1) % THEMES.length];
  setTheme(theme);
  try {
    localStorage.setItem("wsdefrag-theme", theme);
  } catch {
    // A page from a file may have no storage; the choice then lasts as long as the page.
  }
  dispatchEvent(new Event("colours"));
}

function storedTheme() {
  try {
    const theme = localStorage.getItem("wsdefrag-theme");
    return THEMES.includes(theme) ? theme : "system";
  } catch {
    return "system";
  }
}

function readColours() {
  const probe = make("span", {});
  document.body.append(probe);
  for (const name of ["lane", "client", "server", "gap", "violation"]) {
    probe.style.color = `var(--${name})`;
    currentColours[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  currentColours.name = Object.entries(currentColours).filter(([name]) => name !== "name").join();
}
