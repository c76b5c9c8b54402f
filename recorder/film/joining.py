"""Joins pieces to the film by copying their packets: nothing is encoded again, chapters and captions come along."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av import Packet
from av.container import OutputContainer
from av.stream import Stream

from recorder.durable import Disk
from recorder.film.captions import FilmCaption, caption_bytes
from recorder.film.chapters import Chapter
from recorder.film.film import FilmError, is_full, remove_left_behind
from recorder.film.timeline import FILM_RATE_HZ

# Where an index is expected: sample sizes, times and offsets take 8-12 bytes per frame of picture or sound. Room is
# left for it in front of the pictures, so that the file is written once and plays from its beginning.
INDEX_BYTES_PER_TICK = 48
INDEX_BYTES = 64 * 1024
_MS = Fraction(1, 1000)
_DISK = Disk()


@dataclass(frozen=True, slots=True)
class JoinedFilm:
    """What the film says of itself. Texts may be empty."""

    title: str
    comment: str
    chapters: tuple[Chapter, ...]
    captions: tuple[FilmCaption, ...]


def join_pieces(pieces: Sequence[tuple[Path, int]], ticks: int, target: Path, about: JoinedFilm) -> None:
    """Write the film of `ticks` frames from (piece, its first film tick). FilmError; `target` whole or not at all."""
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    remove_left_behind(target)
    try:
        _join(pieces, ticks, part, about)
        _DISK.publish(part, target)
    except (OSError, av.FFmpegError) as error:
        code = "film.disk_full" if is_full(error) else "film.unwritable"
        raise FilmError(code, f"cannot write {target.name}") from error
    finally:
        _DISK.discard(part)


def _join(pieces: Sequence[tuple[Path, int]], ticks: int, part: Path, about: JoinedFilm) -> None:
    room = INDEX_BYTES + ticks * INDEX_BYTES_PER_TICK + 200 * (len(about.chapters) + len(about.captions))
    with av.open(str(part), "w", format="mp4", options={"moov_size": str(room)}) as film:
        if about.title:
            film.metadata["title"] = about.title
        if about.comment:
            film.metadata["comment"] = about.comment
        streams: dict[str, Stream] = {}
        with av.open(str(pieces[0][0])) as first:
            for stream in first.streams:
                copied = film.add_stream_from_template(stream)
                copied.time_base = stream.time_base
                streams[stream.type] = copied
        words = film.add_mux_stream("mov_text") if about.captions else None
        if words is not None:
            words.time_base = _MS
        film.set_chapters([chapter.to_container() for chapter in about.chapters])
        waiting = list(about.captions)
        for path, first_tick in pieces:
            while words is not None and waiting and waiting[0].from_s <= first_tick / FILM_RATE_HZ:
                _say(film, words, waiting.pop(0))
            _copy(film, streams, path, first_tick)
        while words is not None and waiting:
            _say(film, words, waiting.pop(0))


def _copy(film: OutputContainer, streams: dict[str, Stream], path: Path, first_tick: int) -> None:
    with av.open(str(path)) as piece:
        for packet in piece.demux():
            if packet.dts is None or packet.pts is None or packet.time_base is None:
                continue  # the empty packet that ends a file
            shift = round(Fraction(first_tick, FILM_RATE_HZ) / packet.time_base)
            packet.pts += shift
            packet.dts += shift
            packet.stream = streams[packet.stream.type]
            film.mux(packet)


def _say(film: OutputContainer, words: Stream, caption: FilmCaption) -> None:
    packet: Packet[Stream] = Packet(caption_bytes(caption.text))
    packet.stream = words
    packet.time_base = _MS
    packet.pts = packet.dts = round(caption.from_s * 1000)
    packet.duration = max(round((caption.until_s - caption.from_s) * 1000), 1)
    packet.is_keyframe = True
    film.mux(packet)
