"""Writes the messages of applications as other records, and records with contents nobody sends.

`rewritten` changes nothing of the streams: records are divided and joined anew and padded, and
tickets, key updates and empty records, which are no application data, are put between them.
`changed_inside` seals wrong contents under the right keys. `spoiled` changes bytes of TCP without
any keys.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from capture_conversation import answer_head, packets, request_head, text
from capture_craft import Captured
from capture_packets import Packets, payload_start
from tls_craft import TlsTalk, message
from tls_keys import ALERT, APPLICATION, CHANGE_CIPHER_SPEC, HANDSHAKE, SUITES
from tls_oracle import IntactTls
from tls_recordings import intact
from tls_streams import FINISHED, KEY_UPDATE, NEW_SESSION_TICKET


def rewritten(name: str, suite: int, seed: str) -> IntactTls:
    """One connection of a recording, in records of other forms."""
    chance = random.Random(seed)
    connection = chance.choice(list(intact(name).connections.values()))
    talk = TlsTalk(SUITES[suite], seed=seed, mac_last=chance.random() < 0.5)
    if talk.is_13 and chance.random() < 0.3:
        talk.open().handshake_with_retry()
    else:
        certificate = chance.choice([300, 3_000, 40_000])
        talk.open().handshake(certificate=certificate, together=chance.random() < 0.5)
    limits = chance.choice([(16_384,), (1, 40, 512), (512,), (100, 2_000, 16_384)])
    kept = {True: b"", False: b""}
    joins = chance.choice([0.0, 0.5, 0.9])
    odd = chance.choice([0.0, 0.02, 0.2])
    for record in connection.records:
        if not record.on_stream:
            continue
        side = record.from_client
        kept[side] += record.content
        if chance.random() < joins and b"HTTP/1.1" not in kept[side]:
            continue
        padding = chance.choice([0, 0, 1, 30, 400]) if talk.is_13 else 0
        if chance.random() < odd:
            _odd(talk, side, chance)
        talk.say(side, kept[side], limit=chance.choice(limits), padding=padding)
        kept[side] = b""
    for side, rest in kept.items():
        if rest:
            talk.say(side, rest)
    talk.end()
    return IntactTls(packets(talk.conversation.segments), talk.key_log)


def _odd(talk: TlsTalk, side: bool, chance: random.Random) -> None:
    """Write a record without application data."""
    kind = chance.randrange(4)
    if kind == 0:
        talk.send(side, talk.sealed(side, APPLICATION, b""))
    elif not talk.is_13:
        talk.send(side, talk.sealed(side, ALERT, b"\x01\x64"))
    elif kind == 1:
        talk.send(False, talk.sealed_ticket(chance.choice([40, 250, 1_500])))
    elif kind == 2:
        talk.update_keys(side, asks=chance.random() < 0.5)
    else:
        talk.send(side, talk.sealed_key_update(side) + talk.sealed_key_update(side))


def changed_inside(suite: int, seed: str) -> tuple[list[Captured], bytes]:
    """A connection with contents that nobody sends, sealed under its keys; and its key log."""
    chance = random.Random(seed)
    talk = TlsTalk(SUITES[suite], seed=seed).open().handshake()
    talk.say(True, request_head())
    talk.say(False, answer_head())
    for number in range(30):
        side = chance.random() < 0.5
        said = text(side, f"number {number} " * chance.randrange(1, 9))
        if chance.random() < 0.7:
            talk.say(side, said)
        else:
            talk.send(side, _strange(talk, side, said, chance))
    return packets(talk.end().conversation.segments), talk.key_log


def _strange(talk: TlsTalk, side: bool, said: bytes, chance: random.Random) -> bytes:
    """Write a wrong record, sealed or not."""
    kind = chance.randrange(9)
    if kind == 0:
        # Any type, also those that do not exist; type 0 is that of a record of zeros alone.
        return talk.sealed(side, chance.randrange(256), said)
    if kind == 1:
        return talk.sealed(side, 0, bytes(chance.randrange(40)))
    if kind == 2:
        return talk.sealed(side, HANDSHAKE, chance.randbytes(chance.randrange(80)))
    if kind == 3:
        strange = chance.choice([FINISHED, KEY_UPDATE, NEW_SESSION_TICKET, 1, 2, 8, 99])
        return talk.sealed(
            side, HANDSHAKE, message(strange, chance.randbytes(chance.randrange(60)))
        )
    if kind == 4:
        # A message whose end never comes.
        return talk.sealed(side, HANDSHAKE, b"\x04\xff\xff\xff" + said)
    if kind == 5:
        return talk.sealed(side, CHANGE_CIPHER_SPEC, b"\x01" * chance.randrange(3))
    if kind == 6:
        return talk.sealed(side, APPLICATION, said * (16_384 // len(said) + 2))
    if kind == 7:
        written = bytearray(talk.sealed(side, APPLICATION, said))
        written[chance.randrange(len(written))] ^= 1 << chance.randrange(8)
        return bytes(written)
    return talk.sealed(side, APPLICATION, said)[: chance.randrange(60)]


def spoiled(whole: Sequence[Captured], seed: str) -> Packets:
    """The packets, with a bit of some payloads changed."""
    chance = random.Random(seed)
    seen = list(whole)
    places = [index for index, one in enumerate(seen) if payload_start(one) < len(one.data)]
    for index in chance.sample(places, min(chance.choice([1, 1, 3, 10]), len(places))):
        data = bytearray(seen[index].data)
        at = chance.randrange(payload_start(seen[index]), len(data))
        data[at] ^= 1 << chance.randrange(8)
        seen[index] = replace(seen[index], data=bytes(data))
    return seen
