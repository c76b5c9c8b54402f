"""Writes one piece of the film: H.264 + AAC in MP4, index in front, encoded in a thread of its own.

Decoding and painting happen in the caller's thread, encoding here; both release the interpreter lock inside the
codecs, so two cores are used. The file appears under its name only when it is whole.

A piece begins with a key frame, and its sound with a whole AAC frame whose encoder has heard what came before (the
lead), so that pieces joined by copying sound as if they had been encoded in one go.
"""

from __future__ import annotations

import errno
import glob
import os
import queue
import threading
from array import array
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av import AudioFrame, Packet, VideoFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.reformatter import ColorRange, Colorspace
from av.video.stream import VideoStream

from recorder.durable import Disk
from recorder.film.sound import SOUND_RATE_HZ, sound_frame
from recorder.film.timeline import FILM_RATE_HZ

# Frames under way between painting and encoding: 12 × 1.4 MB. A full queue makes the painter wait.
QUEUE_FRAMES = 12
# Speech is clear at this; a hearing of three hours has 86 MB of sound.
SOUND_BITS_PER_S = 64_000
# Every two seconds a point to jump to, so that a player lands where it was asked.
KEY_FRAME_TICKS = 2 * FILM_RATE_HZ
PUT_TIMEOUT_S = 120.0

# No B-frames: 29 % less CPU for 6 % more bytes, measured on a grid of four.
# One thread: equal on every machine, and cores are filled by composing sections beside each other.
VIDEO_OPTIONS = {"preset": "veryfast", "crf": "24", "profile": "high", "bf": "0"}
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# BT.601, which is what browsers send: the numbers of ITU-T H.273 for SMPTE 170M.
_SMPTE_170M = 6
_DISK = Disk()


class FilmError(RuntimeError):
    """The film could not be written: `code` is stable, the cause is chained."""

    def __init__(self, code: str, title: str) -> None:
        super().__init__(title)
        self.code = code
        self.title = title


def is_full(error: BaseException) -> bool:
    """Whether a disk said that it takes no more."""
    return isinstance(error, OSError) and error.errno in _FULL


class PieceWriter:
    """Encodes `ticks` frames and their sound to `target` through a temporary file beside it.

    The sound given begins `lead_ticks` before the first picture and may end later than the last; what is outside is
    heard by the encoder and not written. Use as a context manager: leaving it by an exception removes the temporary
    file and leaves `target` untouched.
    """

    def __init__(self, target: Path, *, width: int, height: int, ticks: int, lead_ticks: int) -> None:
        self._target = target
        self._sound_end = ticks * SOUND_RATE_HZ // FILM_RATE_HZ
        self._part = target.with_name(f".{target.name}.{os.getpid()}.part")
        self._queue: queue.Queue[VideoFrame | AudioFrame | None] = queue.Queue(QUEUE_FRAMES)
        self._failure: BaseException | None = None
        self._ticks = 0
        self._samples = -lead_ticks * SOUND_RATE_HZ // FILM_RATE_HZ
        remove_left_behind(target)
        try:
            self._container, self._video, self._audio = _open(self._part, width, height)
        except (OSError, av.FFmpegError) as error:
            _DISK.discard(self._part)
            raise FilmError("film.unwritable", f"cannot write {target.name}") from error
        self._thread = threading.Thread(target=self._run, name="film-encoder", daemon=True)
        self._thread.start()

    def __enter__(self) -> PieceWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.finish()
        else:
            self.abandon()

    @property
    def duration_s(self) -> float:
        """Length of the pictures given so far."""
        return self._ticks / FILM_RATE_HZ

    def picture(self, frame: VideoFrame) -> None:
        """The next film frame. Waits while the encoder is behind; FilmError when it failed."""
        frame.pts, frame.time_base = self._ticks, Fraction(1, FILM_RATE_HZ)
        self._ticks += 1
        self._put(frame)

    def sound(self, chunk: array[int]) -> None:
        """The next samples of the mix."""
        frame = sound_frame(chunk)
        frame.pts, frame.time_base = self._samples, Fraction(1, SOUND_RATE_HZ)
        self._samples += len(chunk)
        self._put(frame)

    def finish(self) -> None:
        """Write what is left, move the index to the front, sync, and give the file its name."""
        self._put(None)
        self._thread.join()
        try:
            self._raise_failure()
            _DISK.publish(self._part, self._target)
        except BaseException:
            _DISK.discard(self._part)
            raise

    def abandon(self) -> None:
        """Stop and leave nothing behind."""
        self._failure = self._failure or FilmError("film.abandoned", "the film was given up")
        while self._thread.is_alive():
            try:
                self._queue.put_nowait(None)
            except queue.Full:
                self._drain()
            self._thread.join(timeout=0.1)
        _DISK.discard(self._part)

    def _put(self, item: VideoFrame | AudioFrame | None) -> None:
        self._raise_failure()
        try:
            self._queue.put(item, timeout=PUT_TIMEOUT_S)
        except queue.Full as error:
            raise FilmError("film.stalled", "the encoder does not move") from error

    def _raise_failure(self) -> None:
        if isinstance(self._failure, FilmError):
            raise self._failure
        if self._failure is not None:
            code, title = (
                ("film.disk_full", "no space left")
                if is_full(self._failure)
                else ("film.encoding", "the encoder failed")
            )
            raise FilmError(code, title) from self._failure

    def _drain(self) -> None:
        try:
            while True:
                self._queue.get_nowait()
        except queue.Empty:
            return

    def _run(self) -> None:
        try:
            while (item := self._queue.get()) is not None and self._failure is None:
                self._mux(self._encode(item))
            if self._failure is None:
                self._mux(self._video.encode(None))
                self._mux(self._audio.encode(None))
        except Exception as error:  # handed to the caller's thread, which logs or reports it
            self._failure = error
        try:
            self._container.close()
        except Exception as error:
            self._failure = self._failure or error
        while self._failure is not None and item is not None:
            item = self._queue.get()  # keep the caller from waiting on a full queue

    def _encode(self, item: VideoFrame | AudioFrame) -> list[Packet[Any]]:
        return self._video.encode(item) if isinstance(item, VideoFrame) else self._audio.encode(item)

    def _mux(self, packets: list[Packet[Any]]) -> None:
        for packet in packets:
            if packet.stream is self._audio and not self._is_inside(packet):
                continue
            self._container.mux(packet)

    def _is_inside(self, packet: Packet[Any]) -> bool:
        assert packet.pts is not None
        assert packet.time_base is not None
        at = packet.pts * packet.time_base * SOUND_RATE_HZ
        return 0 <= at < self._sound_end


def remove_left_behind(target: Path) -> None:
    """Temporary files of composers that were killed: their process is gone, nobody will finish them."""
    for part in target.parent.glob(f".{glob.escape(target.name)}.*.part"):
        if not is_alive(part):
            _DISK.discard(part)


def is_alive(part: Path) -> bool:
    """Whether the process that writes a temporary file (`.NAME.PID.part`) still runs."""
    pid = part.name.rsplit(".", 2)[1]
    return not pid.isdecimal() or Path("/proc", pid).exists()


def _open(part: Path, width: int, height: int) -> tuple[OutputContainer, VideoStream, AudioStream]:
    container = av.open(str(part), "w", format="mp4", options={"movflags": "+faststart"})
    video = container.add_stream("libx264", rate=FILM_RATE_HZ, options=VIDEO_OPTIONS)
    video.width, video.height, video.pix_fmt = width, height, "yuv420p"
    context = video.codec_context
    context.gop_size = KEY_FRAME_TICKS
    context.thread_count = 1
    context.colorspace = Colorspace.SMPTE170M
    context.color_primaries = context.color_trc = _SMPTE_170M
    context.color_range = ColorRange.MPEG
    audio = container.add_stream("aac", rate=SOUND_RATE_HZ, layout="mono")
    audio.bit_rate = SOUND_BITS_PER_S
    return container, video, audio
