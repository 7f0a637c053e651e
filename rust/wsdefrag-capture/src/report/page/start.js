// Opens the report and follows the address of the page:
//
//   #           the overview
//   #all        all messages; #all/3/17 with a row chosen
//   #3          connection 3; #3/17 with its message 17, #3/event-c2 with an event

async function start() {
  setTheme(storedTheme());
  byId("theme").addEventListener("click", nextTheme);
  const status = byId("status");
  if (!("DecompressionStream" in window)) throw new Error("This browser is too old: it has no DecompressionStream.");
  const store = new Store();
  await store.open((part) => {
    status.textContent = `Opening the report: ${Math.floor(part * 100)} %`;
  });
  const goTo = (place) => {
    location.hash = `#${place}`;
  };
  const address = (connection, row) => {
    const own = store.connections[store.connection[row]];
    return `${connection ? "" : "all/"}${own.number}/${placeOf(store, row)}`;
  };
  const overview = new Overview(store, (connection, row) =>
    goTo(row === null ? connection.number : `${connection.number}/${placeOf(store, row)}`));
  const messages = new Messages(store, (connection, row) => {
    // No entry of the history for each row that is passed.
    history.replaceState(null, "", `#${address(connection, row)}`);
    printing.soon();
  });
  const printing = new Printing(store, overview, messages);
  messages.changed = () => printing.soon();
  const show = async () => {
    await follow(store, overview, messages);
    printing.soon();
  };
  addEventListener("hashchange", show);
  addEventListener("colours", () => overview.show());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    readColours();
    overview.show();
  });
  byId("to-help").addEventListener("click", () => byId("help").showModal());
  byId("to-print").addEventListener("click", async () => {
    await printing.prepare();
    print();
  });
  fillHelp();
  listenToKeys({ messages, goTo });
  status.hidden = true;
  byId("main").setAttribute("aria-busy", "false");
  await show();
}

// Shows what the address says.
async function follow(store, overview, messages) {
  const parts = decodeURIComponent(location.hash.slice(1)).split("/");
  const isAll = parts[0] === "all";
  if (isAll) parts.shift();
  const [number, place] = parts;
  const connection = number ? store.connections.find((one) => `${one.number}` === number) : undefined;
  const isOverview = !isAll && !connection;
  byId("overview").hidden = !isOverview;
  byId("messages").hidden = isOverview;
  document.body.dataset.view = isOverview ? "overview" : "messages";
  byId("to-overview").toggleAttribute("aria-current", isOverview);
  byId("to-all").toggleAttribute("aria-current", isAll);
  const status = byId("status");
  const isUnknown = Boolean(number) && !connection;
  status.textContent = isUnknown ? `This report has no connection ${visible(number)}.` : "";
  status.hidden = !isUnknown;
  if (isOverview) {
    overview.show();
    return;
  }
  const index = connection && place !== undefined ? rowAt(store, connection, place) : -1;
  if (connection && place !== undefined && index < 0) {
    status.textContent = `Connection ${connection.number} has no message ${visible(place)} in this report.`;
    status.hidden = false;
  }
  await messages.show(isAll ? null : connection, index < 0 ? null : connection.rows[index]);
}

addEventListener("DOMContentLoaded", () => start().catch((error) => {
  const status = byId("status");
  status.hidden = false;
  status.className = "failure";
  status.textContent = `The report cannot be shown. ${error.message}`;
  byId("main").setAttribute("aria-busy", "false");
}));
