"""Several processes compose sections of one film beside each other; each keeps what it read for its next section.

One encoder thread per section leaves no core idle and no thread waiting for another: two processes on two cores are
faster than one process with two encoder threads. Forked before any thread is there.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path

from recorder.film.film import FilmError
from recorder.film.film_plan import FilmPlan
from recorder.film.section_maker import MadeSection, NewBreaks, SectionMaker
from recorder.film.timeline import Section

# Neighbours share a window and warm decoders; longer runs leave one process alone with the last of them.
RUN_SECTIONS = 8
# A section of 16 s takes 5 s of a core; one that moves nothing for this long is stuck.
STUCK_S = 600.0


@dataclass(frozen=True, slots=True)
class Task:
    """A section to be made, and where to."""

    section: Section
    target: Path


@dataclass(frozen=True, slots=True)
class Done:
    """A section that was made."""

    task: Task
    made: MadeSection


def make_sections(
    film: FilmPlan,
    tasks: Sequence[Task],
    *,
    workers: int,
    between_frames: Callable[[], None] = lambda: None,
    maker: SectionMaker | None = None,
) -> Iterator[Done]:
    """Make sections, told as they are done. FilmError; NewBreaks when the film must be planned again.

    With one worker in this process, with `maker` when it is given; else in `workers` forked ones.
    """
    if workers <= 1 or len(tasks) <= 1:
        maker = maker or SectionMaker(between_frames)
        for task in tasks:
            yield Done(task, maker.make(film, task.section, task.target))
        return
    runs = _runs(tasks, workers)
    context = multiprocessing.get_context("fork")
    pipes: dict[Connection, multiprocessing.process.BaseProcess] = {}
    try:
        for _ in range(min(workers, len(runs))):
            here, there = context.Pipe()
            process: multiprocessing.process.BaseProcess = context.Process(
                target=_work, args=(there, film), daemon=True
            )
            process.start()
            there.close()
            pipes[here] = process
            here.send(runs.pop(0))
        yield from _collect(pipes, runs)
    finally:
        for pipe, process in pipes.items():
            pipe.close()
            process.terminate()
            process.join(timeout=10)


def _collect(
    pipes: dict[Connection, multiprocessing.process.BaseProcess], runs: list[list[Task]]
) -> Iterator[Done]:
    open_pipes = set(pipes)
    while open_pipes:
        ready = wait(list(open_pipes), timeout=STUCK_S)
        if not ready:
            raise FilmError("film.stalled", "no section was finished for a long time")
        for pipe in ready:
            assert isinstance(pipe, Connection)
            try:
                told = pipe.recv()
            except EOFError as error:
                raise FilmError("film.encoding", "a composing process died") from error
            if isinstance(told, BaseException):
                raise told
            if told is not None:
                yield told
            elif runs:
                pipe.send(runs.pop(0))
            else:
                open_pipes.discard(pipe)


def _runs(tasks: Sequence[Task], workers: int) -> list[list[Task]]:
    """Stretches of neighbours, in order, few enough to keep everybody busy to the end."""
    length = max(min(-(-len(tasks) // workers), RUN_SECTIONS), 1)
    return [list(tasks[at : at + length]) for at in range(0, len(tasks), length)]


def _work(pipe: Connection, film: FilmPlan) -> None:
    """A process of the crew: makes runs of sections until nobody asks any more."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    maker = SectionMaker()
    with contextlib.suppress(EOFError, OSError, KeyboardInterrupt):
        while True:
            run: list[Task] = pipe.recv()
            try:
                for task in run:
                    pipe.send(Done(task, maker.make(film, task.section, task.target)))
                pipe.send(None)
            except (NewBreaks, FilmError, MemoryError) as error:
                pipe.send(_plain(error))
                return


def _plain(error: BaseException) -> BaseException:
    """An error that travels: without its causes, which may not."""
    if isinstance(error, FilmError):
        return FilmError(error.code, error.title)
    if isinstance(error, NewBreaks):
        return NewBreaks(error.breaks)
    return MemoryError()
