"""nginx and haproxy as proxies of one server, where they are installed.

Each is one process with one worker, without logs, on a port that was free a moment ago.
`NGINX` and `HAPROXY` in the environment name binaries that are elsewhere.
"""

import os
import shutil
import socket
from collections.abc import Sequence
from pathlib import Path

Command = Sequence[str | Path]

NGINX_FILE = """\
daemon off; master_process off; error_log stderr notice; pid {folder}/nginx.pid;
events {{ worker_connections 4000; }}
http {{
  access_log off;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://{server};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection "upgrade";
      proxy_read_timeout 1h;
    }}
  }}
}}
"""

HAPROXY_FILE = """\
global
  nbthread 1
  maxconn 4000
defaults
  mode http
  timeout connect 10s
  timeout client 1h
  timeout server 1h
  timeout tunnel 1h
listen all
  bind 127.0.0.1:{port}
  server one {server}
"""


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _found(name: str) -> str | None:
    return os.environ.get(name.upper()) or shutil.which(name) or shutil.which(f"/usr/sbin/{name}")


def commands(server: str, folder: Path) -> dict[str, tuple[Command, int]]:
    """Commands by name, with the port of each.

    Args:
        server: HOST:PORT of the server.
        folder: an empty one, for their configurations.
    """
    made: dict[str, tuple[Command, int]] = {}
    for name, text in (("nginx", NGINX_FILE), ("haproxy", HAPROXY_FILE)):
        binary = _found(name)
        if binary is None:
            continue
        port, path = _free_port(), folder / f"{name}.conf"
        path.write_text(text.format(folder=folder, port=port, server=server), encoding="ascii")
        flags = ["-p", folder, "-c", path] if name == "nginx" else ["-db", "-q", "-f", path]
        made[name] = ([binary, *flags], port)
    return made
