"""Limits, Strictness and DeflateParams: which values are accepted, and which are refused."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any

import pytest

from wsdefrag import (
    DeflateParams,
    FrameDecoder,
    Limits,
    MessageReassembler,
    Strictness,
    WebSocketConnection,
    WebSocketDirection,
)

MIB = 1 << 20


# Limits


def test_limits_defaults() -> None:
    limits = Limits()
    assert limits.max_frame_size == 64 * MIB
    assert limits.max_message_size == 64 * MIB
    assert limits.max_fragments == 16_384
    assert limits.max_inflate_ratio is None


@pytest.mark.parametrize("name", ["max_frame_size", "max_message_size", "max_fragments"])
@pytest.mark.parametrize("value", [1, 125, 2**32, 2**63 - 1, None])
def test_limits_take_counts_from_one_and_none(name: str, value: int | None) -> None:
    limits = Limits(**{name: value})
    assert getattr(limits, name) == value
    assert MessageReassembler(from_client=False, limits=limits).error is None
    assert FrameDecoder(from_client=False, limits=limits).error is None


@pytest.mark.parametrize("name", ["max_frame_size", "max_message_size", "max_fragments"])
@pytest.mark.parametrize("value", [0, -1, 2**63, 10**30])
def test_limits_refuse_counts_out_of_range(name: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"{name} must be .* not {value}"):
        Limits(**{name: value})


@pytest.mark.parametrize("name", ["max_frame_size", "max_message_size", "max_fragments"])
@pytest.mark.parametrize("value", ["64", 1.0, True, b"1", [1]])
def test_limits_refuse_counts_that_are_not_integers(name: str, value: Any) -> None:
    with pytest.raises(TypeError, match=name):
        Limits(**{name: value})


@pytest.mark.parametrize("value", [None, 1, 0.5, 1000.0, 1e-300])
def test_inflate_ratio_takes_positive_numbers(value: float | None) -> None:
    limits = Limits(max_inflate_ratio=value)
    assert limits.max_inflate_ratio == value
    reassembler = MessageReassembler(from_client=False, limits=limits, deflate=DeflateParams())
    assert reassembler.error is None


@pytest.mark.parametrize("value", [0, 0.0, -1, -0.5, float("nan"), float("inf"), 10**400])
def test_inflate_ratio_refuses_what_is_no_bound(value: float) -> None:
    with pytest.raises(ValueError, match="max_inflate_ratio"):
        Limits(max_inflate_ratio=value)


@pytest.mark.parametrize("value", ["5", True, [5.0]])
def test_inflate_ratio_refuses_what_is_no_number(value: Any) -> None:
    with pytest.raises(TypeError, match="max_inflate_ratio"):
        Limits(max_inflate_ratio=value)


# Strictness


def test_strictness_insists_on_all_but_the_rules_of_deflate_by_default() -> None:
    assert dataclasses.asdict(Strictness()) == {
        "mask_direction": True,
        "minimal_length": True,
        "reserved_bits": True,
        "close_codes": True,
        "utf8": True,
        "no_context_takeover": False,
        "empty_compressed_payload": False,
        "deflate_tail": False,
    }


def test_rules_are_those_of_the_engine_in_its_order() -> None:
    off = Strictness(**{field.name: False for field in dataclasses.fields(Strictness)})
    loose = MessageReassembler(from_client=False, strictness=off)
    assert list(loose.tolerated) == [field.name for field in dataclasses.fields(Strictness)]
    on_by_default = {field.name for field in dataclasses.fields(Strictness) if field.default}
    by_default = MessageReassembler(from_client=False).tolerated
    assert set(loose.tolerated) - set(by_default) == on_by_default


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Strictness)])
@pytest.mark.parametrize("value", [0, 1, None, "", "no"])
def test_strictness_takes_bools_only(name: str, value: Any) -> None:
    with pytest.raises(TypeError, match=f"{name} must be a bool"):
        Strictness(**{name: value})


@pytest.mark.parametrize(
    ("name", "wire"),
    [
        ("mask_direction", b"\x82\x80\x00\x00\x00\x00"),
        ("minimal_length", b"\x82\x7e\x00\x00"),
        ("reserved_bits", b"\xa2\x00"),
        ("close_codes", b"\x88\x02\x03\xe7"),
        ("utf8", b"\x81\x01\xff"),
    ],
)
def test_each_switch_tolerates_and_counts_its_own_rule_alone(name: str, wire: bytes) -> None:
    loose = WebSocketDirection(from_client=False, strictness=Strictness(**{name: False}))
    assert len(loose.receive_data(wire)) == 1
    assert loose.error is None
    assert {rule: count for rule, count in loose.tolerated.items() if count} == {name: 1}
    others = {field.name: field.name == name for field in dataclasses.fields(Strictness)}
    strict = WebSocketDirection(from_client=False, strictness=Strictness(**others))
    strict.receive_data(wire)
    assert strict.error is not None


# DeflateParams


def test_deflate_defaults_are_those_of_the_rfc() -> None:
    assert dataclasses.asdict(DeflateParams()) == {
        "server_no_context_takeover": False,
        "client_no_context_takeover": False,
        "server_max_window_bits": 15,
        "client_max_window_bits": 15,
        "oddities": (),
    }


@pytest.mark.parametrize("name", ["server_max_window_bits", "client_max_window_bits"])
@pytest.mark.parametrize("bits", range(8, 16))
def test_window_bits_from_8_to_15_work(name: str, bits: Any) -> None:
    params = DeflateParams(**{name: bits})
    assert getattr(params, name) == bits
    for from_client in (True, False):
        assert MessageReassembler(from_client=from_client, deflate=params).error is None


@pytest.mark.parametrize("name", ["server_max_window_bits", "client_max_window_bits"])
@pytest.mark.parametrize("bits", [-15, 0, 7, 16, 31, 10**30])
def test_window_bits_out_of_range_are_refused(name: str, bits: Any) -> None:
    with pytest.raises(ValueError, match=f"{name} must be from 8 to 15"):
        DeflateParams(**{name: bits})


@pytest.mark.parametrize("name", ["server_max_window_bits", "client_max_window_bits"])
@pytest.mark.parametrize("bits", [None, "15", 15.0, True])
def test_window_bits_are_integers(name: str, bits: Any) -> None:
    with pytest.raises(TypeError, match=name):
        DeflateParams(**{name: bits})


@pytest.mark.parametrize("name", ["server_no_context_takeover", "client_no_context_takeover"])
@pytest.mark.parametrize("value", [None, 1, "true"])
def test_context_takeover_is_a_bool(name: str, value: Any) -> None:
    with pytest.raises(TypeError, match=name):
        DeflateParams(**{name: value})


# All three


@pytest.mark.parametrize(
    ("params", "change"),
    [
        (Limits(max_fragments=3), {"max_frame_size": 1}),
        (Strictness(reserved_bits=False), {"mask_direction": False}),
        (DeflateParams(server_max_window_bits=9), {"client_max_window_bits": 9}),
    ],
)
def test_parameters_are_frozen_values(params: Any, change: dict[str, Any]) -> None:
    (name,) = change
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(params, name, change[name])
    with pytest.raises(TypeError):
        type(params)(1)
    for twin in (pickle.loads(pickle.dumps(params)), copy.deepcopy(params)):
        assert twin == params
        assert hash(twin) == hash(params)
    assert dataclasses.replace(params, **change) != params


@pytest.mark.parametrize("name", ["deflate", "limits", "strictness"])
@pytest.mark.parametrize("value", [5, {}, "strict", DeflateParams, object()])
def test_objects_of_another_class_are_refused(name: str, value: Any) -> None:
    for make in (MessageReassembler, WebSocketDirection, FrameDecoder):
        with pytest.raises(TypeError, match=name):
            make(from_client=True, **{name: value})
    with pytest.raises(TypeError, match=name):
        WebSocketConnection(**{name: value})


@pytest.mark.parametrize("value", [0, 1, None, "yes"])
def test_from_client_is_a_bool(value: Any) -> None:
    for make in (MessageReassembler, WebSocketDirection, FrameDecoder):
        with pytest.raises(TypeError, match="from_client"):
            make(from_client=value)


def test_from_client_is_required_and_arguments_have_names() -> None:
    make: Any
    for make in (MessageReassembler, WebSocketDirection, FrameDecoder):
        with pytest.raises(TypeError):
            make()
        with pytest.raises(TypeError):
            make(True)
        with pytest.raises(TypeError):
            make(from_client=True, surprise=1)
