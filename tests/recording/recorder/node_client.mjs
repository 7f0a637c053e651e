// The WebSocket client built into Node.js, steered over stdin and stdout by record_streams.py.
//
// Each line in is one command, each line out one event, both JSON:
//   in:  {"text": ...} | {"base64": ...} | {"close": [code, reason]} | {"close": []}
//   out: {"open": "name and version"} | {"text": ...} | {"base64": ...} | {"closed": true}
// The process ends when its stdin does, and after a minute in any case.

import { createInterface } from "node:readline";

const socket = new WebSocket(process.argv[2]);
const tell = (event) => process.stdout.write(JSON.stringify(event) + "\n");

socket.binaryType = "arraybuffer";
socket.onopen = () => tell({ open: `Node.js ${process.versions.node} (its undici ${process.versions.undici})` });
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
