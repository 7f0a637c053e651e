"""DeflateParams.from_header and .choose: answers and offers in their valid and invalid forms.

RFC 7692 section 7.1 says which parameters an answer and an offer may hold, RFC 6455 section 9.1 how
they are written. The headers and their expected results are in `vectors/deflate.jsonl`.
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


def _tolerant(line: Line) -> Line:
    """What a bystander makes of an answer: the same as an endpoint where it is valid."""
    if "reason" in line:
        tolerant: Line = line["tolerant"]
        return tolerant
    return {"params": line["params"], "oddities": []}


@pytest.mark.parametrize("line", ANSWERS, ids=lambda line: ascii(line["header"]))
def test_bystander_reads_an_odd_answer_and_says_what_was_odd(line: Line) -> None:
    expected = _tolerant(line)
    for written in (line["header"], line["header"].encode()):
        if "reason" in expected:
            with pytest.raises(ValueError, match="RFC"):
                DeflateParams.from_header(written, strict=False)
            continue
        params = DeflateParams.from_header(written, strict=False)
        assert params == _params(expected)
        # Bytes of a header are Latin-1.
        if params is not None and (isinstance(written, str) or written.isascii()):
            assert params.oddities == tuple(expected["oddities"])


def test_bystander_gives_up_only_where_nothing_can_be_told() -> None:
    for header in (line["header"] for line in ANSWERS if "reason" in _tolerant(line)):
        unterminated = header.count('"') % 2 == 1
        assert unterminated or not header.startswith(("permessage-deflate;", "permessage-deflate,"))


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
                DeflateParams.choose(written)
            assert str(caught.value) == line["reason"]
        elif line["answer"] is None:
            assert DeflateParams.choose(written) is None
        else:
            assert DeflateParams.choose(written) == (_params(line), line["answer"])
            assert DeflateParams.from_header(line["answer"]) == _params(line)


@pytest.mark.parametrize("wrong", [None, 5, ["permessage-deflate"]])
def test_header_of_another_type_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError):
        DeflateParams.from_header(wrong)


@pytest.mark.parametrize("wrong", [None, 5, [5], [b"permessage-deflate"]])
def test_offers_of_another_type_are_refused(wrong: Any) -> None:
    with pytest.raises(TypeError):
        DeflateParams.choose(wrong)


def test_several_offers_are_one_list() -> None:
    """Several fields of one name are one list (RFC 6455 section 11.3.2)."""
    offers = ["x-other", "permessage-deflate; server_max_window_bits=10"]
    assert DeflateParams.choose(offers) == DeflateParams.choose(", ".join(offers)) is not None
    assert DeflateParams.choose([]) is None


PARAMETERS = [
    *FLAGS,
    *(f"{name}={value}" for name in BITS for value in ("8", '"9"', "15", "16")),
    *(*BITS, "foo", "", "server_no_context_takeover=1"),
]


@given(st.lists(st.lists(st.sampled_from(PARAMETERS), max_size=4), max_size=4))
def test_answer_says_what_was_accepted(offers: list[list[str]]) -> None:
    header = ", ".join("; ".join(["permessage-deflate", *offer]) for offer in offers)
    accepted = DeflateParams.choose(header)
    if accepted is not None:
        params, answer = accepted
        assert DeflateParams.from_header(answer) == params
        # What it does not ask for stays as it is (RFC 7692 section 7.1.2.2).
        assert "client_max_window_bits" not in answer or "client_max_window_bits=" in header
