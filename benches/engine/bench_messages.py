"""Times every reader on every workload, one test each; `../run.py` has the settings.

Each reader is checked before it is timed: it must yield exactly the corpus' messages.
"""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from engine import corpus
from engine.readers import READERS, Reader, aiohttp_is_compiled, collect, consume

CASES = [
    pytest.param(workload, reader, id=f"{workload} - {reader.name}")
    for workload in corpus.RECIPES
    for reader in READERS
    if not reader.only or workload in reader.only
]


def test_aiohttp_reader_is_compiled() -> None:
    """The numbers are those of the extension module, not of its pure-Python twin."""
    assert aiohttp_is_compiled()


@pytest.mark.parametrize(("name", "reader"), CASES)
def test_reader(
    benchmark: BenchmarkFixture, corpus_scale: float, name: str, reader: Reader
) -> None:
    """One reader reads one stream: checked first, then timed."""
    workload = corpus.build(name, scale=corpus_scale).prefix(reader.share)
    assert collect(reader, workload) == workload.expected
    benchmark.extra_info.update(
        workload=name,
        reader=reader.name,
        messages=workload.message_count,
        payload_bytes=workload.payload_bytes,
    )
    benchmark(consume, reader, workload, reader.inputs(workload))
