"""DeflateParams.from_header and .accept: answers and offers in their valid and invalid forms.

RFC 7692 section 7.1 says which parameters an answer and an offer may hold, RFC 6455 section 9.1 how
they are written.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsdefrag import DeflateParams

SERVER_FRESH = {"server_no_context_takeover": True}
CLIENT_FRESH = {"client_no_context_takeover": True}

VALID_HEADERS: list[tuple[str, dict[str, Any]]] = [
    ("permessage-deflate", {}),
    ("  permessage-deflate  ", {}),
    ("permessage-deflate; server_no_context_takeover", SERVER_FRESH),
    ("permessage-deflate;server_no_context_takeover", SERVER_FRESH),
    ("permessage-deflate ; \t server_no_context_takeover", SERVER_FRESH),
    ("permessage-deflate; client_no_context_takeover", CLIENT_FRESH),
    (
        "permessage-deflate; client_no_context_takeover; server_no_context_takeover",
        SERVER_FRESH | CLIENT_FRESH,
    ),
    ("permessage-deflate; server_max_window_bits=8", {"server_max_window_bits": 8}),
    ("permessage-deflate; server_max_window_bits=9", {"server_max_window_bits": 9}),
    ("permessage-deflate; server_max_window_bits=15", {"server_max_window_bits": 15}),
    ("permessage-deflate; client_max_window_bits=12", {"client_max_window_bits": 12}),
    # A value may be quoted if it is a token inside (RFC 6455 section 9.1).
    ('permessage-deflate; server_max_window_bits="10"', {"server_max_window_bits": 10}),
    (
        (
            "permessage-deflate;client_max_window_bits=8;server_no_context_takeover;"
            "client_no_context_takeover;server_max_window_bits=14"
        ),
        SERVER_FRESH | CLIENT_FRESH | {"client_max_window_bits": 8, "server_max_window_bits": 14},
    ),
    # Extensions that we know nothing of are not ours to judge.
    ("x-other, permessage-deflate; server_max_window_bits=10", {"server_max_window_bits": 10}),
    ("permessage-deflate; client_no_context_takeover, x-other; a=b; c", CLIENT_FRESH),
    ('x-other; a="b,c;d", permessage-deflate', {}),
]


@pytest.mark.parametrize(("value", "expected"), VALID_HEADERS)
def test_header_is_read(value: str, expected: dict[str, Any]) -> None:
    assert DeflateParams.from_header(value) == DeflateParams(**expected)
    assert DeflateParams.from_header(value.encode()) == DeflateParams(**expected)


@pytest.mark.parametrize("value", ["", "  ", "x-webkit-deflate-frame", "bbf-usp-protocol; eid=x"])
def test_header_without_deflate_gives_none(value: str) -> None:
    assert DeflateParams.from_header(value) is None
    assert DeflateParams.from_header(value.encode()) is None


BITS = ("server_max_window_bits", "client_max_window_bits")
FLAGS = ("server_no_context_takeover", "client_no_context_takeover")

INVALID_HEADERS = [
    # A value that is not a decimal integer from 8 to 15 without leading zeros
    # (RFC 7692 sections 7.1.2.1 and 7.1.2.2).
    *(
        f"permessage-deflate; {name}={value}"
        for name in BITS
        for value in (
            *("7", "16", "0", "1", "80", "08", "015", "-8", "+8", "8.0", "0x8", "ten", "1 0"),
            *("", '""', '"08"', '"7"', '" 9"', '"9', "9x", "99999999999999999999999999"),
            "\N{ARABIC-INDIC DIGIT NINE}",
        )
    ),
    # No value where an answer must have one.
    *(f"permessage-deflate; {name}" for name in BITS),
    # A value where there is none (RFC 7692 sections 7.1.1.1 and 7.1.1.2).
    *(f"permessage-deflate; {name}={value}" for name in FLAGS for value in ("1", "true", '""', "")),
    # A parameter twice (RFC 7692 section 7.1).
    *(f"permessage-deflate; {name}; {name}" for name in FLAGS),
    *(f"permessage-deflate; {name}=10; {name}=10" for name in BITS),
    *(f"permessage-deflate; {name}=10; {name}=11" for name in BITS),
    # A parameter that is not defined (RFC 7692 section 7.1).
    "permessage-deflate; foo",
    "permessage-deflate; foo=bar",
    "permessage-deflate; server_max_window_bits=10; mode=fast",
    "permessage-deflate; max_window_bits=10",
    # Deflate agreed on twice: RSV1 can belong to one extension only (RFC 7692 section 5).
    "permessage-deflate, permessage-deflate",
    "permessage-deflate; server_max_window_bits=10, permessage-deflate",
    # Not the grammar of RFC 6455 section 9.1.
    "permessage-deflate;",
    "permessage-deflate; ; server_no_context_takeover",
    "permessage-deflate; =10",
    "permessage-deflate; server_max_window_bits==10",
    "permessage-deflate server_no_context_takeover",
    "permessage-deflate=1",
    'x-other; a="b, permessage-deflate',
    'permessage-deflate; server_max_window_bits="10" 11',
    "permessage-deflate; server_no_context_takeover\x00",
    "permessage-deflate; server_no_context_takeover\r\nX-Other: 1",
    "permessage-deflate; serv\xe9r_no_context_takeover",
]


@pytest.mark.parametrize("value", INVALID_HEADERS)
def test_invalid_header_is_refused_with_the_reason(value: str) -> None:
    for written in (value, value.encode()):
        with pytest.raises(ValueError, match="RFC"):
            DeflateParams.from_header(written)


# What a bystander makes of them, and what that says was odd.
ODD_HEADERS: list[tuple[str, dict[str, Any], str]] = [
    ("permessage-deflate;", {}, "empty parameter"),
    ("permessage-deflate; ; server_no_context_takeover", SERVER_FRESH, "empty parameter"),
    ("permessage-deflate; client_max_window_bits", {}, "client_max_window_bits needs a value"),
    ("permessage-deflate; server_max_window_bits=7", {"server_max_window_bits": 8}, "got \"7\""),
    ("permessage-deflate; server_max_window_bits=010", {"server_max_window_bits": 10}, "010"),
    ("permessage-deflate; server_max_window_bits=16", {}, "16"),
    ("permessage-deflate; server_max_window_bits=ten", {}, "ten"),
    ("permessage-deflate; server_no_context_takeover=1", SERVER_FRESH, "takes no value"),
    ("permessage-deflate; foo=bar", {}, "unknown parameter \"foo\""),
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


@pytest.mark.parametrize("value", INVALID_HEADERS)
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
    params = DeflateParams.from_header('permessage-deflate; client_max_window_bits="9"', strict=False)
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


# What is offered, and what is answered to it; the parameters are those that the answer says.
OFFERS: list[tuple[str, str]] = [
    ("permessage-deflate", "permessage-deflate"),
    ("  PerMessage-Deflate ", "permessage-deflate"),
    # No value: the client could be asked for less, and is not (RFC 7692 section 7.1.2.2).
    ("permessage-deflate; client_max_window_bits", "permessage-deflate"),
    (
        "permessage-deflate; client_max_window_bits=10",
        "permessage-deflate; client_max_window_bits=10",
    ),
    # Has to be answered, also where it asks for nothing (RFC 7692 section 7.1.2.1).
    (
        "permessage-deflate; server_max_window_bits=15",
        "permessage-deflate; server_max_window_bits=15",
    ),
    (
        'permessage-deflate;server_max_window_bits="8" ; Server_No_Context_Takeover',
        "permessage-deflate; server_max_window_bits=8; server_no_context_takeover",
    ),
    (
        "permessage-deflate; client_no_context_takeover; client_max_window_bits",
        "permessage-deflate; client_no_context_takeover",
    ),
    # The client's order is that of its preference (RFC 7692 section 5.1).
    (
        "permessage-deflate; server_max_window_bits=10, permessage-deflate",
        "permessage-deflate; server_max_window_bits=10",
    ),
    ("x-other; a=b, permessage-deflate", "permessage-deflate"),
    # Declined, and the next one taken (RFC 7692 section 7).
    ("permessage-deflate; mode=fast, permessage-deflate", "permessage-deflate"),
    ("permessage-deflate; server_max_window_bits, permessage-deflate", "permessage-deflate"),
]


@pytest.mark.parametrize(("offers", "expected"), OFFERS)
def test_first_valid_offer_is_accepted(offers: str, expected: str) -> None:
    params = DeflateParams.from_header(expected)
    assert DeflateParams.accept(offers) == (params, expected)
    assert DeflateParams.accept(offers.encode()) == (params, expected)


DECLINED = [
    *("", "x-webkit-deflate-frame", "permessage-deflate; foo", "permessage-deflate;"),
    *(f"permessage-deflate; {name}=7" for name in BITS),
    *(f"permessage-deflate; {name}=16" for name in BITS),
    *(f"permessage-deflate; {name}=010" for name in BITS),
    *(f"permessage-deflate; {name}=" for name in BITS),
    *(f"permessage-deflate; {name}=1" for name in FLAGS),
    *(f"permessage-deflate; {name}; {name}" for name in FLAGS),
    "permessage-deflate; server_max_window_bits",
    "permessage-deflate; client_max_window_bits; client_max_window_bits=10",
    "permessage-deflate; client_no_context_takeover\r\nX-Other: 1",
]


@pytest.mark.parametrize("offers", DECLINED)
def test_offer_that_is_not_valid_is_declined(offers: str) -> None:
    assert DeflateParams.accept(offers) is None


@pytest.mark.parametrize(
    "offers",
    ['x; a="b, permessage-deflate', "permessage-deflate=1", "a b", "permessage-deflate\x00"],
)
def test_malformed_offers_are_refused_with_the_reason(offers: str) -> None:
    with pytest.raises(ValueError, match=r"RFC 6455 section 9\.1"):
        DeflateParams.accept(offers)


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
