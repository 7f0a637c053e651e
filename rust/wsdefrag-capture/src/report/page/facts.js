// What is known of a connection: addresses, handshake, TLS, how it ended, its account.

const ENDS = {
  fin: "both sides ended it (FIN)",
  rst: "one side reset it (RST)",
  idle: "no packet for as long as the timeout",
  evicted: "given up, to make room for others",
  replaced: "a new connection began on the same addresses and ports",
  end_of_capture: "open when the capture ended",
  refused: "the server refused the WebSocket",
};

const TLS_STATUSES = {
  ok: "decrypted",
  no_keys: "not read: no key log and no secrets block has its secrets",
  unknown_cipher: "not read: its cipher suite or version is not supported",
  no_handshake: "not read: its hellos were not captured, and no secret fits",
  no_server_hello: "not read: its ServerHello was not captured",
  undecryptable: "not read: no record opens with the keys",
};

const yesNo = (value) => (value === null || value === undefined ? null : value ? "yes" : "no");

function facts(store, connection) {
  const { row } = connection;
  const text = (value) => (value === null || value === undefined ? null : make("bdi", {}, visible(`${value}`)));
  const time = (value) => {
    if (value === null || value === undefined) return null;
    const [day, clock, fraction] = moment(BigInt(value));
    return `${day} ${clock}.${fraction} UTC`;
  };
  const ends = (address, port) => (address ? addressText(address, port) : null);
  const close = row.close_code ?? (row.close_time ? "not captured whole" : null);
  return make("div", { class: "facts" },
    pairs(
      ["Client", ends(row.client_address, row.client_port)],
      ["Server", ends(row.server_address, row.server_port)],
      ["Client before the proxy", ends(row.original_client_address, row.original_client_port)],
      ["Server before the proxy", ends(row.original_server_address, row.original_server_port)],
      ["Host", text(row.host)],
      ["Path", text(row.path)],
      ["Subprotocol", text(row.subprotocol)],
      ["Extensions", text(row.extensions)],
      ["HTTP", row.http_version ? `${row.http_version}${row.stream_id ? `, stream ${row.stream_id}` : ""}` : null],
      ["Response", row.response_status],
      ["Handshake", row.midstream ? "not captured whole" : null],
      ["Accept key right", row.accept_key_ok === false ? "no" : null],
      ["Began", time(row.started)],
      ["Lasted", row.duration === undefined ? null : span(Number(row.duration))],
      ["Packets", row.first_packet ? `${count(row.first_packet)} to ${count(row.last_packet)}` : null],
      ["Ended", ENDS[row.ended]],
      ["Closed by", row.close_from_client === null || row.close_from_client === undefined ? null : row.close_from_client ? "client" : "server"],
      ["Close code", close],
      ["Close reason", text(row.close_reason || null)],
      ["Tags and tunnels", text(row.encapsulation?.join(", ") || null)],
      ["File", text(row.file)],
      ["Identity (uid)", text(row.uid)]),
    problems(row),
    tls(row),
    headers("Request", row.request_headers),
    headers("Response", row.response_headers));
}

function problems(row) {
  const list = [...(row.problems ?? [])];
  for (const side of ["client", "server"]) {
    if (row[`${side}_violation`]) list.push(`${side}: ${row[`${side}_violation`]}`);
    for (const [name, value] of Object.entries(row)) {
      const prefix = `${side}_tolerated_`;
      if (name.startsWith(prefix) && value) list.push(`${side}: tolerated ${name.slice(prefix.length).replaceAll("_", " ")}, ${counted(value, "time")}`);
    }
  }
  return list.length ? make("section", {}, make("h3", {}, "Problems"), make("ul", {}, list.map((one) => make("li", {}, visible(one))))) : null;
}

function tls(row) {
  if (!row.tls_status) return null;
  const bothSides = ["application", "overhead", "handshake", "undecryptable", "missing"].map((name) =>
    [name, count(row[`client_tls_${name}`] ?? 0), count(row[`server_tls_${name}`] ?? 0)]);
  return make("section", {}, make("h3", {}, "TLS"),
    pairs(
      ["Status", TLS_STATUSES[row.tls_status] ?? row.tls_status],
      ["Version", row.tls_version && visible(row.tls_version)],
      ["Cipher suite", row.tls_cipher && visible(row.tls_cipher)],
      ["Server name", row.sni && visible(row.sni)],
      ["Protocol (ALPN)", row.alpn && visible(row.alpn)],
      ["Resumed", yesNo(row.resumed)],
      ["Early data", yesNo(row.early_data)],
      ["Changes of keys", row.key_updates ? count(row.key_updates) : null],
      ["Keys from", row.key_source?.replaceAll("_", " ")],
      ["Records with a wrong tag", row.bad_tags ? count(row.bad_tags) : null],
      ["Records found by trial", row.found_by_trial ? count(row.found_by_trial) : null]),
    table(["Bytes of records", "Client", "Server"], bothSides));
}

function headers(title, fields) {
  if (!fields?.length) return null;
  return make("details", { class: "headers" }, make("summary", {}, `${title} headers (${fields.length})`),
    make("dl", { class: "pairs" }, fields.map(({ name, value }) =>
      make("div", {}, make("dt", {}, visible(name)), make("dd", {}, visible(value))))));
}
