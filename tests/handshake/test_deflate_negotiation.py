"""What may be offered and answered about permessage-deflate (RFC 7692 section 7.1)."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from wsdefrag import DeflateParams
from wsdefrag.deflate import DeflateOffer, filter_offers, limit_offers, strip_offers

P = "permessage-deflate"

# Offers, answers, and the section that forbids the pair; None where the answer fits.
PAIRS = [
    (P, P, None),
    # 7.1.1.1: a server that accepts an offer with server_no_context_takeover says so; it may say so
    # unasked, too.
    (f"{P}; server_no_context_takeover", f"{P}; server_no_context_takeover", None),
    (f"{P}; server_no_context_takeover", P, "7.1.1.1"),
    (P, f"{P}; server_no_context_takeover", None),
    # 7.1.1.2: client_no_context_takeover in an offer is a hint.
    (f"{P}; client_no_context_takeover", P, None),
    (f"{P}; client_no_context_takeover", f"{P}; client_no_context_takeover", None),
    (P, f"{P}; client_no_context_takeover", None),
    # 7.1.2.1: the same or a smaller value, if it was asked for; any, if not.
    (f"{P}; server_max_window_bits=10", f"{P}; server_max_window_bits=10", None),
    (f"{P}; server_max_window_bits=10", f"{P}; server_max_window_bits=8", None),
    (f"{P}; server_max_window_bits=10", f"{P}; server_max_window_bits=11", "7.1.2.1"),
    (f"{P}; server_max_window_bits=10", P, "7.1.2.1"),
    # What was asked for is what every server does; aiohttp leaves it out.
    (f"{P}; server_max_window_bits=15", P, None),
    (P, f"{P}; server_max_window_bits=9", None),
    # 7.1.2.2: only if the client offers it; its value is a hint.
    (P, f"{P}; client_max_window_bits=15", "7.1.2.2"),
    (f"{P}; client_max_window_bits", f"{P}; client_max_window_bits=9", None),
    (f"{P}; client_max_window_bits", P, None),
    (f"{P}; client_max_window_bits=10", f"{P}; client_max_window_bits=12", None),
    (f"{P}; client_max_window_bits=10", P, None),
    # 7: an answer has valid parameters, each once, for an extension that was offered, once.
    ("x", P, "7"),
    ("", P, "7"),
    (f"{P}; server_max_window_bits=7", P, "7"),
    (P, f"{P}; mode=1", "7"),
    (P, f"{P}, {P}", "7"),
    (f"{P}; client_max_window_bits", f"{P}; client_max_window_bits", "7.1.2.2"),
    # 5: one of several offers.
    (f"{P}; server_max_window_bits=10, {P}", P, None),
    (
        f"{P}; server_max_window_bits=10, {P}; client_max_window_bits",
        f"{P}; client_max_window_bits=9",
        None,
    ),
    (P, "", None),
    (f"{P}; server_no_context_takeover", "x", None),
]


@pytest.mark.parametrize(("offers", "answer", "section"), PAIRS)
def test_answer_fits_an_offer_or_is_refused(offers: str, answer: str, section: str | None) -> None:
    if section is None:
        agreed = DeflateParams.check_answer(answer, offers)
        assert (agreed is None) == (P not in answer)
    else:
        with pytest.raises(ValueError, match=r"invalid permessage-deflate answer: .*RFC 7692"):
            DeflateParams.check_answer(answer, offers)


def test_client_does_what_it_offers_to_do_by_itself() -> None:
    offer = DeflateOffer(client_no_context_takeover=True, client_max_window_bits=10)
    agreed = DeflateParams.check_answer(P, offer)
    assert agreed == DeflateParams(client_no_context_takeover=True, client_max_window_bits=10)
    agreed = DeflateParams.check_answer(f"{P}; client_max_window_bits=12", offer)
    assert agreed == DeflateParams(client_no_context_takeover=True, client_max_window_bits=10)
    agreed = DeflateParams.check_answer(f"{P}; client_max_window_bits=9", offer)
    assert agreed == DeflateParams(client_no_context_takeover=True, client_max_window_bits=9)


@pytest.mark.parametrize(
    ("offer", "header"),
    [
        ({}, f"{P}; client_max_window_bits"),
        ({"client_max_window_bits": False}, P),
        ({"client_max_window_bits": 15}, f"{P}; client_max_window_bits=15"),
        (
            {"server_no_context_takeover": True, "client_no_context_takeover": True},
            f"{P}; server_no_context_takeover; client_no_context_takeover; client_max_window_bits",
        ),
        ({"server_max_window_bits": 8}, f"{P}; server_max_window_bits=8; client_max_window_bits"),
    ],
)
def test_offer_is_written_as_the_rfc_says(offer: dict[str, Any], header: str) -> None:
    assert DeflateOffer(**offer).header() == header


@pytest.mark.parametrize(
    ("offer", "error"),
    [
        ({"server_max_window_bits": 7}, ValueError),
        ({"client_max_window_bits": 16}, ValueError),
        ({"client_max_window_bits": None}, TypeError),
        ({"server_max_window_bits": True}, TypeError),
        ({"server_no_context_takeover": 1}, TypeError),
    ],
)
def test_offer_of_wrong_values_is_refused(offer: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        DeflateOffer(**offer)


def test_every_choice_answers_every_offer() -> None:
    flags, windows = (False, True), (8, 12, 15)
    offers = [
        DeflateOffer(
            server_no_context_takeover=server,
            client_no_context_takeover=client,
            server_max_window_bits=server_bits,
            client_max_window_bits=client_bits,
        )
        for server, client, server_bits, client_bits in product(
            flags, flags, (None, *windows), (False, True, *windows)
        )
    ]
    for offer, server, client, server_bits, client_bits in product(
        offers, flags, flags, windows, windows
    ):
        chosen = DeflateParams.choose(
            offer.header(),
            server_no_context_takeover=server,
            client_no_context_takeover=client,
            server_max_window_bits=server_bits,
            client_max_window_bits=client_bits,
        )
        assert chosen is not None
        params, answer = chosen
        assert DeflateParams.check_answer(answer, offer) == params
        assert params.server_no_context_takeover == (server or offer.server_no_context_takeover)
        assert params.client_no_context_takeover == (client or offer.client_no_context_takeover)
        assert params.server_max_window_bits == min(server_bits, offer.server_max_window_bits or 15)
        if offer.client_max_window_bits is False:
            assert params.client_max_window_bits == 15
            assert "client_max_window_bits" not in answer
        else:
            assert params.client_max_window_bits <= client_bits


@pytest.mark.parametrize(
    ("offers", "kept", "stripped"),
    [
        (P, P, None),
        ("x", None, "x"),
        ("", None, None),
        (f'x; y=",{P},", {P.upper()}; a', f"{P.upper()}; a", f'x; y=",{P},"'),
        (f"{P}; client_max_window_bits, {P}, ,z;q", f"{P}; client_max_window_bits, {P}", "z;q"),
    ],
)
def test_intermediary_keeps_or_strips_offers(
    offers: str, kept: str | None, stripped: str | None
) -> None:
    assert filter_offers(offers, [P]) == kept
    assert strip_offers(offers) == stripped
    assert strip_offers(offers.encode(), ["X", "z"]) == kept


def test_intermediary_asks_a_server_for_less_memory() -> None:
    offers = f"{P}; client_max_window_bits; server_max_window_bits=12, {P}; mode=1, x; a, {P}"
    assert limit_offers(offers) == (
        f"{P}; server_max_window_bits=12; client_max_window_bits, x; a, {P}"
    )
    assert limit_offers(
        offers,
        server_no_context_takeover=True,
        client_no_context_takeover=True,
        server_max_window_bits=10,
        client_max_window_bits=9,
    ) == (
        f"{P}; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; "
        f"client_max_window_bits=9, x; a, {P}; server_no_context_takeover; "
        "client_no_context_takeover; server_max_window_bits=10"
    )


def test_malformed_offers_are_refused() -> None:
    for read in (DeflateParams.choose, strip_offers, limit_offers):
        with pytest.raises(ValueError, match=r"RFC 6455 section 9\.1"):
            read('x; y="')
    with pytest.raises(TypeError):
        strip_offers(P, "x")
