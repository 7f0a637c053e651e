"""DeflateParams.from_header and .accept: answers and offers in their valid and invalid forms.

RFC 7692 section 7.1 says which parameters an answer and an offer may hold, RFC 6455 section 9.1 how
they are written. The headers and what comes of them are those of `vectors/deflate.jsonl`.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectors import Line, lines
from wsdefrag import DeflateParams

ANSWERS = [line for line in lines("deflate") if line["what"] == "answer"]
OFFERS = [line for line in lines("deflate") if line["what"] == "offers"]


def _params(line: Line) -> DeflateParams | None:
    params = line["params"]
    return None if params is None else DeflateParams(**params)


@pytest.mark.parametrize("line", ANSWERS, ids=lambda line: ascii(line["header"]))
def test_answer_gives_its_parameters_or_is_refused_with_the_reason(line: Line) -> None:
    for written in (line["header"], line["header"].encode()):
        if "reason" not in line:
            assert DeflateParams.from_header(written) == _params(line)
            continue
        with pytest.raises(ValueError, match="RFC") as caught:
            DeflateParams.from_header(written)
        # Bytes of a header are Latin-1.
        if isinstance(written, str) or written.isascii():
            assert str(caught.value) == line["reason"]


BITS = ("server_max_window_bits", "client_max_window_bits")
FLAGS = ("server_no_context_takeover", "client_no_context_takeover")

SERVER_FRESH = {"server_no_context_takeover": True}


# What a bystander makes of them, and what that says was odd.
ODD_HEADERS: list[tuple[str, dict[str, Any], str]] = [
    ("permessage-deflate;", {}, "empty parameter"),
    ("permessage-deflate; ; server_no_context_takeover", SERVER_FRESH, "empty parameter"),
    ("permessage-deflate; client_max_window_bits", {}, "client_max_window_bits needs a value"),
    ("permessage-deflate; server_max_window_bits=7", {"server_max_window_bits": 8}, 'got "7"'),
    ("permessage-deflate; server_max_window_bits=010", {"server_max_window_bits": 10}, "010"),
    ("permessage-deflate; server_max_window_bits=16", {}, "16"),
    ("permessage-deflate; server_max_window_bits=ten", {}, "ten"),
    ("permessage-deflate; server_no_context_takeover=1", SERVER_FRESH, "takes no value"),
    ("permessage-deflate; foo=bar", {}, 'unknown parameter "foo"'),
    (
        "permessage-deflate; client_max_window_bits=9; client_max_window_bits=10",
        {"client_max_window_bits": 10},
        "given twice",
    ),
    ("permessage-deflate; server_no_context_takeover, permessage-deflate", SERVER_FRESH, "twice"),
    ("x y, permessage-deflate", {}, "is no extension name"),
]


@pytest.mark.parametrize(("value", "fields", "says"), ODD_HEADERS)
def test_odd_header_is_read_by_a_bystander(value: str, fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match="RFC"):
        DeflateParams.from_header(value)
    for written in (value, value.encode()):
        params = DeflateParams.from_header(written, strict=False)
        assert params == DeflateParams(**fields)
        assert params is not None
        [oddity] = params.oddities
        assert says in oddity


@pytest.mark.parametrize("value", [line["header"] for line in ANSWERS if "reason" in line])
def test_bystander_gives_up_only_where_nothing_can_be_told(value: str) -> None:
    try:
        params = DeflateParams.from_header(value, strict=False)
    except ValueError:
        unterminated = value.count('"') % 2 == 1
        assert unterminated or not value.startswith(("permessage-deflate;", "permessage-deflate,"))
    else:
        assert params is not None
        assert params.oddities


def test_header_without_faults_has_no_oddities() -> None:
    params = DeflateParams.from_header(
        'permessage-deflate; client_max_window_bits="9"', strict=False
    )
    assert params == DeflateParams(client_max_window_bits=9)
    assert params is not None
    assert params.oddities == ()
    assert DeflateParams.from_header("x-other; a", strict=False) is None


@pytest.mark.parametrize("name", [*BITS, *FLAGS])
def test_reason_names_the_parameter(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        DeflateParams.from_header(f"permessage-deflate; {name}=99")


@pytest.mark.parametrize("value", [None, 5, bytearray(b"permessage-deflate"), ["x"]])
def test_header_is_str_or_bytes(value: Any) -> None:
    with pytest.raises(TypeError):
        DeflateParams.from_header(value)


@pytest.mark.parametrize("line", OFFERS, ids=lambda line: ascii(line["header"]))
def test_first_valid_offer_is_accepted_and_others_are_declined(line: Line) -> None:
    for written in (line["header"], line["header"].encode()):
        if "reason" in line:
            with pytest.raises(ValueError, match=r"RFC 6455 section 9\.1") as caught:
                DeflateParams.accept(written)
            assert str(caught.value) == line["reason"]
        elif line["answer"] is None:
            assert DeflateParams.accept(written) is None
        else:
            assert DeflateParams.accept(written) == (_params(line), line["answer"])
            assert DeflateParams.from_header(line["answer"]) == _params(line)


@pytest.mark.parametrize("wrong", [None, 5, ["permessage-deflate"]])
def test_header_of_another_type_is_refused(wrong: Any) -> None:
    for read in (DeflateParams.from_header, DeflateParams.accept):
        with pytest.raises(TypeError):
            read(wrong)


PARAMETERS = [
    *FLAGS,
    *(f"{name}={value}" for name in BITS for value in ("8", '"9"', "15", "16")),
    *(*BITS, "foo", "", "server_no_context_takeover=1"),
]


@given(st.lists(st.lists(st.sampled_from(PARAMETERS), max_size=4), max_size=4))
def test_answer_says_what_was_accepted(offers: list[list[str]]) -> None:
    header = ", ".join("; ".join(["permessage-deflate", *offer]) for offer in offers)
    accepted = DeflateParams.accept(header)
    if accepted is not None:
        params, answer = accepted
        assert DeflateParams.from_header(answer) == params
        # What it does not ask for stays as it is (RFC 7692 section 7.1.2.2).
        assert "client_max_window_bits" not in answer or "client_max_window_bits=" in header
