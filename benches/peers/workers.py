"""Peers in processes of their own, for what a library reads once, when it is loaded."""

import multiprocessing
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Worker:
    """A process that runs `work(pipe, *arguments)`: it introduces itself, then measures."""

    def __init__(self, work: Callable, *arguments, environment: dict[str, str] | None = None):
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=work, args=(theirs, *arguments), daemon=True)
        with added(environment or {}):
            self.process.start()
        # The child's end must close with the child, or waiting for a dead one has no end.
        theirs.close()
        self.introduction = self.pipe.recv()

    def start(self, seconds: float) -> None:
        self.pipe.send(seconds)

    def images_per_second(self) -> float:
        """What it found in the time it was given."""
        return self.pipe.recv()

    def stop(self) -> None:
        self.pipe.send(None)
        self.process.join()


@contextmanager
def added(environment: dict[str, str]) -> Iterator[None]:
    """`environment` for the processes that are started meanwhile."""
    before = dict(os.environ)
    os.environ.update(environment)
    try:
        yield
    finally:
        for name in environment:
            del os.environ[name]
        os.environ.update(before)
