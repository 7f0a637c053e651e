"""Opcode and CloseCode: names, values, and wsproto's enums beside them."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from wsproto.frame_protocol import CloseReason
from wsproto.frame_protocol import Opcode as WsprotoOpcode

from wsdefrag import CloseCode, Opcode


def test_opcodes_are_those_of_the_rfc() -> None:
    assert {member.name: member.value for member in Opcode} == {
        "CONTINUATION": 0x0,
        "TEXT": 0x1,
        "BINARY": 0x2,
        "CLOSE": 0x8,
        "PING": 0x9,
        "PONG": 0xA,
    }


def test_opcodes_have_wsproto_spelling_and_values() -> None:
    assert Opcode.__members__.keys() == WsprotoOpcode.__members__.keys()
    theirs: Any
    for name, theirs in WsprotoOpcode.__members__.items():
        assert Opcode[name] == theirs
        assert hash(Opcode[name]) == hash(theirs)
        assert Opcode(theirs) is Opcode[name]
        assert WsprotoOpcode(Opcode[name]) is theirs
        assert Opcode[name].iscontrol() is theirs.iscontrol()


@pytest.mark.parametrize("value", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15, 16, -1, "TEXT", None])
def test_unknown_opcode_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="is not a valid Opcode"):
        Opcode(value)


@pytest.mark.parametrize("member", Opcode)
def test_control_opcodes_are_those_with_the_high_bit(member: Opcode) -> None:
    assert member.iscontrol() is (member in {Opcode.CLOSE, Opcode.PING, Opcode.PONG})


def test_close_codes_are_the_registered_ones() -> None:
    assert {member.value for member in CloseCode} == {
        *range(1000, 1004),
        *range(1005, 1016),
    }
    # 1004 is reserved without a meaning (RFC 6455 section 7.4.1).
    with pytest.raises(ValueError, match="1004"):
        CloseCode(1004)


def test_close_codes_have_wsproto_spelling_and_values() -> None:
    theirs = {member.name: member.value for member in CloseReason}
    ours = {member.name: member.value for member in CloseCode}
    assert ours == theirs | {"BAD_GATEWAY": 1014}


@pytest.mark.parametrize("member", [*Opcode, *CloseCode])
def test_members_are_plain_singletons(member: Opcode | CloseCode) -> None:
    assert member == int(member)
    assert pickle.loads(pickle.dumps(member)) is member
    assert copy.deepcopy(member) is member
