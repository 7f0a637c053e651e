"""Runs a function in a process of its own, whose heap no other measurement has grown."""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


def in_new_process(function: Callable[..., Result], *arguments: object) -> Result:
    """What `function(*arguments)` returns; it has to be a function of a module."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=context) as pool:
        return pool.submit(function, *arguments).result()
