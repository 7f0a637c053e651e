"""Starts the Autobahn TestSuite's fuzzing client or server; runs on CPython 2.7 in its environment.

    python fuzzer.py SPEC SECONDS         the fuzzing client, which connects to the servers in SPEC
    python fuzzer.py SPEC SECONDS FD      the fuzzing server, on the listening socket FD

The suite's own server listens on all interfaces. This one takes a socket that the parent process
has bound to loopback, so nothing else can reach it and the port is known beforehand. The process
ends when its work is done, when the parent ends (it holds the other end of standard input), or by
an alarm after SECONDS.
"""

import json
import os
import signal
import socket
import sys
import threading

# It installs Twisted's reactor, which has to come before everything that asks for one.
from autobahntestsuite import choosereactor, fuzzing  # noqa: F401
from twisted.internet import reactor


def end_with_parent():
    """Wait until there is no parent any more."""
    sys.stdin.read()
    os._exit(1)


def main():
    """Do what the command line says."""
    spec_path, seconds = sys.argv[1:3]
    signal.alarm(int(seconds))
    watcher = threading.Thread(target=end_with_parent)
    watcher.daemon = True
    watcher.start()
    with open(spec_path) as spec_file:
        spec = json.load(spec_file)
    if len(sys.argv) == 3:
        fuzzing.startClient(spec)
    else:
        descriptor = int(sys.argv[3])

        def listen(factory, context_factory):
            reactor.adoptStreamPort(descriptor, socket.AF_INET, factory)

        fuzzing.listenWS = listen
        fuzzing.startServer(spec, webport=0)
    reactor.run()


if __name__ == "__main__":
    main()
