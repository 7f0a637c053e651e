"""Heads of the vectors, read by other implementations.

Where one disagrees with us, a table names the paragraph that decides. Exactly the heads in the
table must differ.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from head_peers import (
    NODE_SERVER,
    aiohttp_reads,
    h11_reads,
    node_serves,
    websockets_asks,
    websockets_serves,
)
from vectors import Line, lines, read_bytes

REQUESTS = [line for line in lines("heads") if line["from"] == "client"]
RESPONSES = [line for line in lines("heads") if line["from"] == "server"]

# The rules that a parser of HTTP knows by itself.
SYNTAX = {
    "bare_line_feed",
    "content_length",
    "control_character",
    "invalid_field_name",
    "line_folding",
    "not_http",
    "request_target",
    "space_before_colon",
}

HOSTS = {
    "empty_host": "RFC 6455 section 4.1: it has the server's authority",
    "host_with_path": "RFC 9110 section 7.2",
    "host_with_user": "RFC 9110 section 4.2.4",
    "host_list": "RFC 9110 section 7.2",
}
# They leave Host to whoever needs it.
NO_SINGLE_HOST = {
    "no_host": "RFC 9112 section 3.2",
    "two_hosts": "RFC 9112 section 3.2",
    "two_equal_hosts": "RFC 9112 section 3.2",
}

WEBSOCKETS = (
    HOSTS
    | NO_SINGLE_HOST
    | {
        "connection_with_quoted_member": "RFC 9110 section 5.6.1; it refuses quotes in Connection",
        "upgrade_list": "RFC 9110 section 7.8; it takes one protocol alone",
        "upgrade_repeated": "RFC 9110 section 5.3",
        "empty_line_before": "RFC 9112 section 2.2: a server should ignore it",
        "two_empty_lines_before": "RFC 9112 section 2.2: at least one",
        "later_minor_version": "RFC 9110 section 2.5",
        "offer_inside_a_quoted_string": "RFC 6455 section 9.1; it wants tokens",
        "fragment_in_the_target": "RFC 6455 section 3",
        "relative_target": "RFC 9112 section 3.2",
        "asterisk_target": "RFC 9112 section 3.2.4: for OPTIONS",
        "two_equal_content_lengths": "RFC 9110 section 8.6: refusing is allowed",
        "subprotocol_twice": "RFC 6455 section 4.1 item 10",
    }
)

H11 = {
    "empty_line_before": "RFC 9112 section 2.2: a server should ignore it",
    "two_empty_lines_before": "RFC 9112 section 2.2: at least one",
    "fragment_in_the_target": "RFC 6455 section 3",
    "relative_target": "RFC 9112 section 3.2",
    "asterisk_target": "RFC 9112 section 3.2.4: for OPTIONS",
    "bare_line_feeds": "RFC 9112 section 2.2: it may be read; others refuse it",
    "one_bare_line_feed": "RFC 9112 section 2.2",
    "bare_line_feed_at_the_end": "RFC 9112 section 2.2",
    "escape_in_a_value": "RFC 9110 section 5.5",
    "delete_in_a_value": "RFC 9110 section 5.5",
    "folded_value": "RFC 9112 section 5.2: refusing is allowed",
    "folded_with_a_tab": "RFC 9112 section 5.2",
    "folded_host": "RFC 9112 section 5.2",
    "two_equal_content_lengths": "RFC 9110 section 8.6: refusing is allowed",
    "content_length_list": "RFC 9110 section 8.6",
    # It checks this itself, where we tell of it as something else.
    "huge_content_length": "RFC 9110 section 8.6",
    "transfer_encoding_identity": "RFC 9112 section 7: there is no such coding",
    **NO_SINGLE_HOST,
}

AIOHTTP = {
    "later_minor_version": "RFC 9110 section 2.5",
    "http_0_9": "RFC 9112 section 3: a request line has a version",
    "http_2_preface": "RFC 9113 section 3.4",
    "two_spaces": "RFC 9112 section 3: one space",
    "fragment_in_the_target": "RFC 6455 section 3",
    "lower_case_get": "RFC 9110 section 9.1: a method has a case",
    "bare_line_feed_before": "RFC 9112 section 2.2",
    "huge_content_length": "RFC 9110 section 8.6",
    "transfer_encoding_and_length": "RFC 9112 section 6.3",
    **NO_SINGLE_HOST,
}

NODE = (
    HOSTS
    | NO_SINGLE_HOST
    | {
        "upgrade_list": "RFC 9110 section 7.8; it takes one protocol alone",
        "upgrade_repeated": "RFC 9110 section 5.3",
        "white_space_around_values": "RFC 9112 section 5.1",
        "later_minor_version": "RFC 9110 section 2.5",
        "offer_inside_a_quoted_string": "RFC 6455 section 9.1; it wants tokens",
        "offer_that_is_not_valid": "RFC 7692 section 7: it is declined",
        "http_0_9": "RFC 9112 section 3: a request line has a version",
        "http_1_0": "RFC 6455 section 4.1",
        "two_spaces": "RFC 9112 section 3: one space",
        "fragment_in_the_target": "RFC 6455 section 3",
        "asterisk_target": "RFC 9112 section 3.2.4: for OPTIONS",
        "bare_line_feed_before": "RFC 9112 section 2.2",
        "content": "RFC 6455 section 4.2.2: what follows the head are frames",
        "transfer_encoding": "RFC 9112 section 6.1",
        "transfer_encoding_identity": "RFC 9112 section 7: there is no such coding",
        "version_8": "RFC 6455 section 4.4",
        "version_013": "RFC 6455 section 4.1",
    }
)

WEBSOCKETS_ASKS = {
    "answer_without_space_after_the_status": "RFC 9112 section 4: a client may read it",
    "answer_with_deflate": "RFC 6455 section 9.1: values may have white space around them",
    "answer_after_100": "RFC 9110 section 15.2",
    "answer_after_103": "RFC 8297 section 2",
    "answer_with_transfer_encoding": "RFC 9112 section 6.1",
    "answer_with_content": "RFC 9110 section 8.6",
    "answer_that_limits_a_fixed_window": "RFC 7692 section 7.1.2.2",
}


def kind(line: Line) -> str | None:
    return line["error"]["kind"] if "error" in line else None


@pytest.mark.skipif(
    sys.version_info < (3, 11), reason="the newest release for CPython 3.10 differs in other places"
)
def test_server_of_websockets_differs_where_the_rfc_decides() -> None:
    differ = {
        line["name"]
        for line in REQUESTS
        if websockets_serves(read_bytes(line["bytes"])) != (kind(line) is None)
    }
    assert differ == set(WEBSOCKETS)


def test_client_of_websockets_differs_where_the_rfc_decides() -> None:
    differ = {
        line["name"]
        for line in RESPONSES
        if websockets_asks(line, read_bytes(line["bytes"]))
        != (kind(line) is None and line["status"] == 101)
    }
    assert differ == set(WEBSOCKETS_ASKS)


def test_h11_differs_where_the_rfc_decides() -> None:
    differ = {
        line["name"]
        for line in REQUESTS
        if h11_reads(read_bytes(line["bytes"])) != (kind(line) not in SYNTAX)
    }
    assert differ == set(H11)


def test_aiohttp_differs_where_the_rfc_decides() -> None:
    differ = {
        line["name"]
        for line in REQUESTS
        if aiohttp_reads(read_bytes(line["bytes"])) != (kind(line) not in SYNTAX)
    }
    assert differ == set(AIOHTTP)


@pytest.mark.skipif(
    shutil.which("node") is None or not Path("/usr/share/nodejs/ws").is_dir(),
    reason="needs node and its ws (Debian: node-ws)",
)
def test_server_of_node_differs_where_the_rfc_decides() -> None:
    with subprocess.Popen(["node", "-e", NODE_SERVER], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            port = int(server.stdout.readline())
            differ = {
                line["name"]
                for line in REQUESTS
                if node_serves(port, read_bytes(line["bytes"])) != (kind(line) is None)
            }
        finally:
            server.kill()
    assert differ == set(NODE)
