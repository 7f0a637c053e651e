"""The capture files of a run, written into a directory that is thrown away afterwards.

Every file is written through the page cache just before it is read, so it is read from memory.
Before any measurement, the messages of a reader are compared with the sent ones.
"""

import gzip
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from captures.corpus import DISORDER, IN_ORDER, Key, Network, Sent, Traffic
from captures.packets import to_pcapng, write_pcap
from engine.corpus import MIB
from wsdefrag.capture import Capture, CapturedMessage

SMALL = "100,000 texts of 200 B"
LARGE = "1 MiB binaries"
MIXED = "mixed traffic, 1 GiB"
SLICE = "mixed traffic, its first 64 MiB"
PCAPNG = "the same as pcapng"
GZIP = "the same, gzipped"
ORDERED = "mixed traffic, nothing lost or late"
DISORDERED = "mixed traffic, every fifth packet late"
MANY = "10,000 live connections"

CONNECTIONS = 10_000


@dataclass(frozen=True)
class Sizes:
    """How large the files of a run are, in bytes unless said otherwise.

    Attributes:
        small: messages.
        large: the file of large messages.
        mixed: the file of mixed traffic; growing pieces of it are what memory is measured with.
        many: the smaller file of many connections; the other one is four times as large.
    """

    small: int
    large: int
    mixed: int
    many: int

    @property
    def pieces(self) -> tuple[int, int, int]:
        """Lengths of files, of which the first is the one that tshark gets."""
        return self.mixed // 16, self.mixed // 4, self.mixed


FULL = Sizes(100_000, 512 * MIB, 1024 * MIB, 64 * MIB)
QUICK = Sizes(4_000, 8 * MIB, 32 * MIB, 16 * MIB)


@dataclass(frozen=True)
class File:
    """A capture file.

    Attributes:
        name: what the tables call it.
        path: where it is.
        size: bytes of its pcap file, whatever it was turned into.
        sent: messages of which at least the beginning was written.
        whole: messages that were read and stand in the file from their first byte to their last.
    """

    name: str
    path: str
    size: int
    sent: int = 0
    whole: int = 0

    def as_json(self) -> dict[str, object]:
        """Its fields."""
        return asdict(self)


def checked(name: str, path: Path, sent: Sent) -> File:
    """Reads a file and makes sure of what it holds."""
    whole = sent.check(whole_messages(path))
    number_sent = sum(map(len, sent.checksums.values()))
    assert whole > 0.4 * number_sent, f"{name}: {whole} of {number_sent} messages"
    return File(name, str(path), path.stat().st_size, number_sent, whole)


def whole_messages(path: Path) -> Iterator[tuple[Key, bytes]]:
    """The messages that are whole, each with its direction."""
    for message in Capture(path).messages():
        if message.status == "ok":
            yield direction(message), message.content


def direction(message: CapturedMessage) -> Key:
    """The direction of a message, as the corpus knows it."""
    assert message.connection.client_address is not None
    address, port = message.connection.client_address
    return address, port, message.from_client


def write_files(directory: Path, sizes: Sizes) -> list[File]:
    """Writes and checks the files that are timed.

    Args:
        directory: where they go.
        sizes: how large they are.

    Returns:
        The files, in the order of the tables.
    """
    files = []
    path = directory / "small.pcap"
    traffic = Traffic("small")
    write_pcap(path, traffic.small(sizes.small))
    files.append(checked(SMALL, path, traffic.sent))
    assert files[0].whole == sizes.small

    path = directory / "large.pcap"
    traffic = Traffic("large")
    write_pcap(path, traffic.large(sizes.large))
    files.append(checked(LARGE, path, traffic.sent))
    assert files[1].whole == sizes.large // MIB

    path = directory / "mixed.pcap"
    traffic = Traffic("mixed")
    write_pcap(path, traffic.mixed(Network()), sizes.mixed)
    files.append(checked(MIXED, path, traffic.sent))

    # A shorter run writes the start of the file of a longer one.
    path = directory / "slice.pcap"
    traffic = Traffic("mixed")
    write_pcap(path, traffic.mixed(Network()), sizes.pieces[0])
    files.append(checked(SLICE, path, traffic.sent))
    files += conversions(directory, files[-1])

    for name, network in ((ORDERED, IN_ORDER), (DISORDERED, DISORDER)):
        path = directory / f"{'late' if network.late else 'ordered'}.pcap"
        traffic = Traffic("mixed")
        write_pcap(path, traffic.mixed(network), sizes.pieces[0])
        files.append(checked(name, path, traffic.sent))
    return [*files, many_file(directory, sizes.many)]


def conversions(directory: Path, file: File) -> list[File]:
    """The same packets in other formats."""
    pcapng, zipped = directory / "slice.pcapng", directory / "slice.pcap.gz"
    to_pcapng(Path(file.path), pcapng)
    with Path(file.path).open("rb") as source, gzip.open(zipped, "wb", compresslevel=1) as target:
        shutil.copyfileobj(source, target, MIB)
    return [
        File(PCAPNG, str(pcapng), file.size, file.sent, file.whole),
        File(GZIP, str(zipped), file.size, file.sent, file.whole),
    ]


def many_file(directory: Path, size: int, *, deflate: bool = False) -> File:
    """A file of `CONNECTIONS` connections, all open until it ends."""
    path = directory / f"many-{size // MIB}{'-deflate' if deflate else ''}.pcap"
    traffic = Traffic("many")
    write_pcap(path, traffic.many(CONNECTIONS, deflate=deflate), size)
    return checked(MANY, path, traffic.sent)
