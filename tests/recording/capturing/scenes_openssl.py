"""Captures of what TLS can do, by OpenSSL: suites, resumption, early data, key updates and more.

Beside each capture is the key log of its clients.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random

from recorder.endpoint import Act
from recorder.libssl import (
    ALLOW_CLIENT_RENEGOTIATION,
    NO_ANTI_REPLAY,
    NO_ENCRYPT_THEN_MAC,
    NO_TICKET,
    TLS_1_0,
    TLS_1_1,
    TLS_1_2,
    TLS_1_3,
    Configuration,
    Session,
)
from recorder.openssl_peer import WRITTEN, Tls

from .meeting import Says
from .network import cable
from .openssl_peers import openssl_client, openssl_server
from .scene import DONE, Scene, of_sizes, small
from .scenes_networks import CABLE
from .stage import Stage, Talk
from .tools import run

SUITES_1_3 = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
SUITES_1_2 = (
    *("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"),
    *("ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384"),
    *("ECDHE-RSA-CHACHA20-POLY1305", "ECDHE-ECDSA-CHACHA20-POLY1305"),
    *("ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA"),
    *("ECDHE-RSA-AES128-SHA", "ECDHE-RSA-AES256-SHA"),
    *("ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA384"),
    *("ECDHE-RSA-AES128-SHA256", "ECDHE-RSA-AES256-SHA384"),
    *("AES128-GCM-SHA256", "AES256-GCM-SHA384"),
    *("AES128-SHA", "AES256-SHA", "AES128-SHA256", "AES256-SHA256"),
)
CBC = "ECDHE-RSA-AES128-SHA256"
HOST = "feed.example"
WEAK = "@SECLEVEL=0"  # what OpenSSL must be told before it speaks TLS 1.0
DAYS = "30"


def certificate(directory: Path, name: str, *kind: str, comment: int = 0) -> tuple[Path, Path]:
    """Make a key and a self-signed certificate with a comment of so many bytes."""
    own, key = directory / f"{name}.pem", directory / f"{name}.key.pem"
    subject = ("-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}")
    more = ("-addext", f"nsComment={'long ' * (comment // 5)}") if comment else ()
    files = ("-keyout", key, "-out", own)
    run("openssl", "req", "-x509", *kind, "-nodes", *subject, *more, "-days", DAYS, *files)
    return own, key


EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
RSA = ("-newkey", "rsa:2048")


class _Place:
    """A stage with the two identities of its servers; all clients log their keys."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.identities = [certificate(stage.directory, "ec", *EC)]
        self.identities.append(certificate(stage.directory, "rsa", *RSA))
        self._clients: list[Configuration] = []
        self._port = 44_300

    def server(self, configuration: Configuration) -> Configuration:
        for identity in self.identities:
            configuration.identity(*identity)
        return configuration

    def client(self, low: int = TLS_1_2, high: int = TLS_1_3, options: int = 0) -> Configuration:
        self._clients.append(Configuration(low, high, options))
        return self._clients[-1]

    def port(self) -> int:
        self._port += 1
        return self._port

    def key_log(self) -> None:
        """Write the key log."""
        path = self.stage.keep(f"{self.stage.name.partition('.')[0]}.keys.log")
        self.stage.key_log = path.name
        lines = [line for client in self._clients for line in client.key_log]
        path.write_text("".join(f"{line}\n" for line in lines))


@contextmanager
def _placed(stage: Stage) -> Iterator[_Place]:
    place = _Place(stage)
    yield place
    place.key_log()


def mixed(count: int, *, pings: bool = True) -> Says:
    """Small texts and binaries, and a few that need several segments or several records."""

    def says(random: Random) -> Iterator[Act]:
        for index, act in enumerate(small(count, pings=pings)(random)):
            yield act
            if index % 8 == 5:
                yield from of_sizes(random.choice((700, 1_900, 5_200)), binary=True)(random)
        yield WRITTEN  # type: ignore[misc]

    return says


def doing(says: Says, *every: Tls, after: int = 9) -> Says:
    """The same acts; after so many of them comes the next of these."""

    def more(random: Random) -> Iterator[Act]:
        done = 0
        for index, act in enumerate(says(random), 1):
            yield act
            if index % after == 0:
                yield every[done % len(every)]  # type: ignore[misc]
                done += 1

    return more


async def suites(stage: Stage) -> None:
    """One connection with each suite that is read, one after the other."""
    with _placed(stage) as place:
        old = place.server(Configuration(TLS_1_2, TLS_1_2).ciphers("ALL"))
        new = place.server(Configuration(TLS_1_3, TLS_1_3))
        addresses = [await stage.serve(openssl_server(one), place.port()) for one in (old, new)]
        await stage.capture("-i", "client0", "-f", "tcp", link=CABLE)
        both = mixed(8)
        for name in SUITES_1_2:
            client = openssl_client(place.client(TLS_1_2, TLS_1_2).ciphers(name))
            await stage.talk(Talk(client, addresses[0], HOST, f"/{name}", both, both, DONE))
        for name in SUITES_1_3:
            client = openssl_client(place.client(TLS_1_3, TLS_1_3).ciphers(new=name))
            await stage.talk(Talk(client, addresses[1], HOST, f"/{name}", both, both, DONE))


async def unread(stage: Stage) -> None:
    """TLS that is not read: 1.0, 1.1, and a suite that is not in the list."""
    with _placed(stage) as place:
        server = place.server(Configuration(TLS_1_0, TLS_1_3).ciphers("ALL:" + WEAK))
        server.ciphers(new="TLS_AES_128_CCM_8_SHA256")
        address = await stage.serve(openssl_server(server), place.port())
        await stage.capture("-i", "client0", "-f", "tcp", link=CABLE)
        both = small(8)
        for name, version in (("1.0", TLS_1_0), ("1.1", TLS_1_1)):
            client = place.client(version, version).ciphers("ALL:" + WEAK)
            await stage.talk(
                Talk(openssl_client(client), address, HOST, f"/tls-{name}", both, both, DONE)
            )
        client = place.client(TLS_1_2, TLS_1_2).ciphers("ECDHE-ECDSA-AES128-CCM")
        await stage.talk(Talk(openssl_client(client), address, HOST, "/ccm", both, both, DONE))
        client = place.client(TLS_1_3).ciphers(new="TLS_AES_128_CCM_8_SHA256")
        await stage.talk(Talk(openssl_client(client), address, HOST, "/ccm-8", both, both, DONE))


async def resumption(stage: Stage) -> None:
    """Sessions resumed by id, by ticket, by a ticket of TLS 1.3, and a shared key."""
    stage.secrets_inside = True
    with _placed(stage) as place:
        both = mixed(12)
        for name, version, options in (
            ("id", TLS_1_2, NO_TICKET),
            ("ticket", TLS_1_2, 0),
            ("ticket-1.3", TLS_1_3, 0),
        ):
            server = place.server(Configuration(version, version, options))
            address = await stage.serve(openssl_server(server), place.port())
            if stage.dumpcap is None:
                await stage.capture("-i", "client0", "-f", "tcp", link=CABLE)
            configuration = place.client(version, version, options)
            kept: list[int] = []
            says = doing(both, Tls(lambda session, kept=kept: kept.append(session.keep())))  # type: ignore[misc]
            first = openssl_client(configuration)
            await stage.talk(Talk(first, address, HOST, f"/{name}/full", says, both, DONE))
            again = openssl_client(
                configuration, lambda session, kept=kept: session.resume(kept[-1])
            )  # type: ignore[misc]
            await stage.talk(Talk(again, address, HOST, f"/{name}/resumed", both, both, DONE))
        shared = (b"recorder", bytes(range(32)))
        server = Configuration(TLS_1_3, TLS_1_3).ciphers(new=SUITES_1_3[0]).shared_key(*shared)
        address = await stage.serve(openssl_server(server), place.port())
        client = place.client(TLS_1_3, TLS_1_3).ciphers(new=SUITES_1_3[0]).shared_key(*shared)
        await stage.talk(Talk(openssl_client(client), address, HOST, "/psk", both, both, DONE))


async def early_data(stage: Stage) -> None:
    """The upgrade as early data: accepted, refused, and refused by a HelloRetryRequest."""
    with _placed(stage) as place:
        both = mixed(12)
        allowed = True
        configuration = Configuration(TLS_1_3, TLS_1_3, NO_ANTI_REPLAY).groups("X25519:P-384")
        server = place.server(configuration).early_data(16_384)
        server.early_data_if(lambda: allowed)
        address = await stage.serve(openssl_server(server), place.port())
        await stage.capture("-i", "client0", "-f", "tcp", link=CABLE)
        configuration = place.client(TLS_1_3, TLS_1_3).groups("X25519:P-384")
        kept: list[int] = []
        says = doing(both, Tls(lambda session: kept.append(session.keep())))
        first = openssl_client(configuration)
        await stage.talk(Talk(first, address, HOST, "/full", says, both, DONE))
        again = openssl_client(configuration, lambda session: session.resume(kept[-1]), early=True)
        await stage.talk(Talk(again, address, HOST, "/accepted", says, both, DONE))
        allowed = False
        await stage.talk(Talk(again, address, HOST, "/refused", says, both, DONE))
        for path in ("/refused", "/retried"):
            stage.not_by_tshark[path] = "it takes early data that was refused for the request"
        configuration.groups("P-256:P-384")
        allowed = True
        await stage.talk(Talk(again, address, HOST, "/retried", both, both, DONE))


async def key_updates(stage: Stage) -> None:
    """Key updates: of the client, of the server, of both, asked for, several in a row."""
    with _placed(stage) as place:
        alone = Tls(lambda session: session.update_keys(both=False))
        asked = Tls(lambda session: session.update_keys(both=True))
        addresses = {}
        for name in SUITES_1_3:
            server = place.server(Configuration(TLS_1_3, TLS_1_3).ciphers(new=name))
            addresses[name] = await stage.serve(openssl_server(server), place.port())
        await stage.capture("-i", "client0", "-f", "tcp", link=CABLE)
        both = mixed(24)
        for name, client_says, server_says in (
            (SUITES_1_3[0], doing(both, alone), both),
            (SUITES_1_3[0], both, doing(both, alone)),
            (SUITES_1_3[1], doing(both, asked), both),
            (SUITES_1_3[2], doing(both, alone, asked), doing(both, alone)),
        ):
            client = openssl_client(place.client(TLS_1_3, TLS_1_3).ciphers(new=name))
            path = f"/{len(stage.meetings)}"
            await stage.talk(
                Talk(client, addresses[name], HOST, path, client_says, server_says, DONE)
            )


async def renegotiation(stage: Stage) -> None:
    """TLS 1.2 renegotiated between messages: by the client, and by the server's request."""
    with _placed(stage) as place:
        anew = Tls(lambda session: session.renegotiate())
        options = ALLOW_CLIENT_RENEGOTIATION
        server = place.server(Configuration(TLS_1_2, TLS_1_2, options).ciphers("ALL"))
        address = await stage.serve(openssl_server(server), place.port())
        await stage.capture("-i", "client0", "-f", "tcp", link=CABLE)
        # Whoever reads cannot answer a ping while a handshake is under way.
        says = mixed(24, pings=False)
        for name, suite in (("gcm", SUITES_1_2[0]), ("chacha20", SUITES_1_2[4]), ("cbc", CBC)):
            client = openssl_client(place.client(TLS_1_2, TLS_1_2).ciphers(suite))
            again = doing(says, anew, after=13)
            await stage.talk(Talk(client, address, HOST, f"/{name}/client", again, says, DONE))
            await stage.talk(Talk(client, address, HOST, f"/{name}/server", says, again, DONE))


async def forms(stage: Stage) -> None:
    """Handshakes and records of unusual form, each on a connection of its own."""
    with _placed(stage) as place:
        both = mixed(14)
        old, new = (TLS_1_2, TLS_1_2), (TLS_1_3, TLS_1_3)
        plain = [place.server(Configuration(*one)) for one in (old, new)]
        cbc = place.server(Configuration(*old).ciphers(CBC))
        mac_first = place.server(Configuration(*old, NO_ENCRYPT_THEN_MAC).ciphers(CBC))
        retry = place.server(Configuration(*new).groups("P-384"))
        padded = place.server(Configuration(*new).padding(512))
        many = place.server(Configuration(*new))
        long_chain = [Configuration(*one) for one in (old, new)]
        certificates, key = certificate(stage.directory, "long", *EC, comment=2_500)
        more = "".join(
            certificate(stage.directory, f"long-{number}", *EC, comment=3_000)[0].read_text()
            for number in range(6)
        )
        certificates.write_text(certificates.read_text() + more)
        for one in long_chain:
            one.identity(certificates, key)
        ticket = Tls(lambda session: session.give_ticket())
        limited = Session.limit_records
        listening = []
        for name, server, versions, setup, together in (
            ("encrypt-then-mac", cbc, old, None, 1),
            ("mac-then-encrypt", mac_first, old, None, 1),
            ("retry", retry, new, None, 1),
            ("padding", padded, new, None, 1),
            ("512-bytes-1.2", plain[0], old, limited, 1),
            ("512-bytes-1.3", plain[1], new, limited, 1),
            ("long-chain-1.2", long_chain[0], old, None, 1),
            ("long-chain-1.3", long_chain[1], new, None, 1),
            ("tickets", many, new, None, 1),
            ("frames-together", plain[1], new, None, 12),
        ):
            serving = openssl_server(server, together=together)
            address = await stage.serve(serving, place.port())
            listening.append((name, address, versions, setup, together))
        await stage.capture("-i", "client0", "-f", "tcp", link=CABLE)
        for name, address, versions, setup, together in listening:
            configuration = place.client(*versions)
            if name == "retry":
                configuration.groups("X25519:P-384")
            if name == "padding":
                configuration.padding(128)
            client = openssl_client(configuration, *([setup] if setup else []), together=together)
            says = doing(both, ticket, after=4) if name == "tickets" else both
            await stage.talk(Talk(client, address, HOST, f"/{name}", both, says, DONE))


def texts(count: int, size: int) -> Says:
    """Texts of about `size` bytes, all of them different."""

    def says(random: Random) -> Iterator[Act]:
        for number in range(count):
            length = max(8, round(random.gauss(size, size / 4)))
            yield f"{number} ".ljust(length, random.choice("abcdefghijklmnopqrstuvwxyz"))
        yield WRITTEN  # type: ignore[misc]

    return says


async def losses(stage: Stage, version: int, suite: str) -> None:
    """Long connections, for losses: one text in a record, several in a record, large texts."""
    with _placed(stage) as place:
        configuration = place.server(Configuration(version, version))
        listening = []
        for name, says, together in (
            ("one-a-record", texts(160, 160), 1),
            ("several-a-record", texts(200, 120), 8),
            ("large", of_sizes(*[40, 5_000, 300, 16_500, 90] * 3, binary=True), 1),
        ):
            server = openssl_server(configuration, together=together)
            listening.append((name, says, together, await stage.serve(server, place.port())))
        await stage.capture("-i", "client0", "-f", "tcp", link=CABLE)
        for name, says, together, address in listening:
            client = place.client(version, version)
            client.ciphers(**{"new" if version == TLS_1_3 else "old": suite})
            talk = Talk(
                openssl_client(client, together=together),
                address,
                HOST,
                f"/{name}",
                says,
                says,
                DONE,
            )
            await stage.talk(talk)


def _scene(name: str, shows: str, play: object) -> Scene:
    return Scene(name, shows, cable, play, folder="tls")  # type: ignore[arg-type]


SCENES = (
    _scene("suites", "one connection with each cipher suite, TLS 1.2 and 1.3", suites),
    _scene("unread", "TLS that is not read: 1.0, 1.1, CCM", unread),
    _scene("resumption", "sessions resumed by id and by ticket, and a shared key", resumption),
    _scene("early-data", "the upgrade as early data: accepted, refused, and retried", early_data),
    _scene("key-updates", "key updates of one side and of both", key_updates),
    _scene("renegotiation", "TLS 1.2 renegotiated between messages", renegotiation),
    _scene(
        "forms",
        "encrypt-then-MAC and not, HelloRetryRequest, padding, records of 512 bytes, many "
        "certificates, tickets between data, many frames a record",
        forms,
    ),
    *(
        _scene(
            f"losses-{name}",
            f"texts and binaries of many sizes under {suite}, for captures with losses",
            partial(losses, version=version, suite=suite),
        )
        for name, version, suite in (
            ("tls13", TLS_1_3, SUITES_1_3[0]),
            ("tls12", TLS_1_2, SUITES_1_2[2]),
        )
    ),
)
