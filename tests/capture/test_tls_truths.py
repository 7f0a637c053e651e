"""The expected values of the TLS tests: the truths of the recordings agree with the oracle.

`tls_oracle` is an independent reader of TLS. `intact` compares each message that it finds with the
message that the application logged.
"""

from __future__ import annotations

import pytest

from tls_keys import SUITES
from tls_oracle import IntactTls
from tls_recordings import HTTP1, LOADED, READ, intact, resealed, sent_of


def assert_allows_all(whole: IntactTls) -> None:
    for direction, allowed in whole.allowed(whole.packets).items():
        assert allowed == set(range(len(whole.sent[direction])))


@pytest.mark.parametrize("name", HTTP1)
def test_intact_recording_allows_all_that_was_sent(name: str) -> None:
    assert_allows_all(intact(name))


@pytest.mark.parametrize("suite", SUITES)
def test_records_under_another_suite_say_the_same(suite: int) -> None:
    """What `tls_craft` writes, `tls_streams` reads."""
    original = intact("early-data")
    for mac_last in [False, True] if SUITES[suite].kind == "cbc" else [False]:
        whole = resealed("early-data", suite, mac_last=mac_last)
        assert_allows_all(whole)
        assert list(whole.sent.values()) == list(original.sent.values())


def test_recordings_have_what_the_tests_need() -> None:
    known = [one.tls for name in READ for one in LOADED[name].connections if one.tls]
    assert {int(one.cipher, 16) for one in known} >= set(SUITES)
    assert sum(one.resumed for one in known) >= 5
    assert sum(one.early_data for one in known) == 1
    assert sum(sum((one.key_updates or {}).values()) for one in known) >= 15
    assert sum(map(len, sent_of("chromium-http2").values())) > 150
