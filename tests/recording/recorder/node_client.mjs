// The WebSocket client built into Node.js, or that of the module in WEBSOCKET_MODULE, steered over stdin and stdout by record_streams.py.
//
// Each line in is one command, each line out one event, both JSON:
//   in:  {"text": ...} | {"base64": ...} | {"close": [code, reason]} | {"close": []}
//   out: {"open": "name and version", "extensions": "as agreed, null from ws"} | {"text": ...} | {"base64": ...} | {"closed": true}
// The process ends when its stdin does, and after a minute in any case.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const path = process.env.WEBSOCKET_MODULE;
const module = path && createRequire(import.meta.url)(path);
const name = module
  ? `ws ${createRequire(import.meta.url)(`${path}/package.json`).version}`
  : `its undici ${process.versions.undici}`;
const socket = new (module || WebSocket)(process.argv[2]);
const tell = (event) => process.stdout.write(JSON.stringify(event) + "\n");

socket.binaryType = "arraybuffer";
const extensions = () => (module ? null : socket.extensions); // ws tells no parameters
socket.onopen = () =>
  tell({ open: `Node.js ${process.versions.node} (${name})`, extensions: extensions() });
socket.onclose = () => tell({ closed: true });
socket.onmessage = ({ data }) =>
  tell(typeof data === "string" ? { text: data } : { base64: Buffer.from(data).toString("base64") });

const commands = createInterface({ input: process.stdin });
commands.on("line", (line) => {
  const command = JSON.parse(line);
  if ("close" in command) socket.close(...command.close);
  else socket.send("text" in command ? command.text : Buffer.from(command.base64, "base64"));
});
commands.on("close", () => process.exit(0));
setTimeout(() => process.exit(1), 60_000).unref();
