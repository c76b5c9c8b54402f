"""Building the library, finding it, refusing one that is not ours, and its limits."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from signaling.native import build
from signaling.native.build import BuildError, Native, Why
from signaling.native.numbering import native_settings
from signaling.native.twin import CODECS, NativeCache, NativeRewriter, to_native
from signaling.rtp import cache, header, keyframes, packet, red, rewriter, sequence
from signaling.rtp.outgoing import RewriterSettings
from tests.native_library import library
from tests.unit.rtp.streams import Vp8Source, vp8_stream
from tests.unit.signaling.native import sanitized

SETTINGS = RewriterSettings(ssrc=1, payload_type=96, clock_rate_hz=90000, needs_keyframe=True)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the sources whose package folder cannot be written to, and a cache folder of its own."""
    if build.compiler() is None:
        pytest.skip("no C compiler")
    sources = tmp_path / "sources"
    sources.mkdir()
    (sources / "media.c").write_text('#include "media.h"\nint media_sizeof(int which) { return which; }\n')
    (sources / "media.h").write_text("/* cdef begin */\nint media_sizeof(int which);\n/* cdef end */\n")
    (sources / "_build").write_text("a file where a folder should be")
    monkeypatch.setattr(build, "FOLDER", sources)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    build.forget()
    yield tmp_path
    build.forget()


def test_limits__of_both_sides__are_the_same() -> None:
    lib = library().lib
    for name in (
        "KIND_MEDIA",
        "KIND_RED",
        "LAYOUT_PLAIN",
        "LAYOUT_VP8_FULL",
        "LAYOUT_VP8_OTHER",
        "PADDING_RANK",
    ):
        assert getattr(lib, name) == getattr(packet, name), name
    for name in ("KEYFRAME", "FRAME_START", "SYNC", "EMPTY", "LATE"):
        assert getattr(lib, f"FLAG_{name}") == getattr(packet, f"FLAG_{name}"), name
    for name, module in (
        ("MAX_PACKET_BYTES", header),
        ("MAX_EXTENSION_BYTES", header),
        ("MAX_REDUNDANT_BLOCKS", red),
        ("MAX_FORWARD_STEP", sequence),
        ("MAX_LATENESS", sequence),
        ("ALL_TEMPORAL_LAYERS", rewriter),
        ("HISTORY_MS", cache),
        ("VIDEO_PACKETS", cache),
        ("AUDIO_PACKETS", cache),
        ("REPLAY_PACKETS", cache),
    ):
        assert getattr(lib, name) == getattr(module, name), name
    assert lib.MAX_AGGREGATED == keyframes._MAX_AGGREGATED
    assert set(CODECS) == set(packet.Codec)


@pytest.mark.parametrize(
    "changes",
    [
        {"payload_type": 0},
        {"payload_type": 128},
        {"red_payload_type": 200},
        {"clock_rate_hz": 0},
        {"first_sequence": -1},
        {"has_send_time": True},
        {"has_wide_sequence": True},
        {"extension": b"\xbe\xde\x00\x0f" + bytes(59), "has_send_time": True, "has_wide_sequence": True},
    ],
)
def test_rewriter__senseless_settings__are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no rewriter"):
        NativeRewriter(SETTINGS._replace(**changes), library())


@pytest.mark.parametrize("capacity", [0, -4, 3, 1 << 20])
def test_cache__senseless_capacity__is_refused(capacity: int) -> None:
    with pytest.raises(ValueError, match="power of two"):
        NativeCache(capacity, library())


def test_forward__room_too_small__says_so_and_writes_nothing_beyond() -> None:
    native = library()
    made = native.lib.rewriter_new(native_settings(native, SETTINGS))
    stream = vp8_stream()
    native.lib.rewriter_select(made, 1, 0, 0)
    found = [stream.accept(each, 0.0) for each in Vp8Source().frame(key=True, packets=1)]
    assert found[0] is not None
    plain, kept = to_native(native, found[0])
    whole = 12 + len(found[0].payload)
    out = native.ffi.new("uint8_t[]", b"\xa5" * 64)
    assert native.lib.rewriter_forward(made, plain, out, whole - 1) == -1
    assert bytes(native.ffi.buffer(out))[whole - 1 : 63] == b"\xa5" * (64 - whole)
    for room in (0, 5, 13, 15, whole - 1, whole + 40):
        length = native.lib.rewriter_retransmit(made, 0, plain, 0.0, out, room)
        assert length == (whole if room >= whole else -1)
    native.lib.rewriter_free(made)
    del kept


def test_build__package_folder_not_writable__goes_to_the_users_cache_and_is_found(elsewhere: Path) -> None:
    assert build.why_not() == Why.NOT_BUILT
    path = build.build()
    assert path.parent == elsewhere / "cache" / "hearing-server" / "native"
    assert build.find() == path
    assert build.build() == path, "what is there is not built again"
    build.forget()
    assert build.why_not() == Why.BROKEN, "this library knows no sizes"


def test_build__changed_source__is_another_library(elsewhere: Path) -> None:
    path = build.build()
    source = elsewhere / "sources" / "media.c"
    source.write_text(source.read_text() + "\n")
    assert build.find() is None
    assert build.build() != path


def test_build__source_that_does_not_compile__is_one_plain_line(elsewhere: Path) -> None:
    (elsewhere / "sources" / "media.c").write_text("int media_sizeof(int which) { return nonsense; }\n")
    with pytest.raises(BuildError, match=r"failed: [^\n]*nonsense") as caught:
        build.build()
    assert "\n" not in str(caught.value)
    assert list((elsewhere / "cache" / "hearing-server" / "native").iterdir()) == [], "nothing is left behind"


def test_build__the_sources_of_this_checkout__compile_without_a_warning(tmp_path: Path) -> None:
    if build.compiler() is None:
        pytest.skip("no C compiler")
    assert build.build(extra_flags=("-Werror",), folder=tmp_path).is_file()


def test_build__no_compiler__says_what_to_install(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert build.load() is None
    assert build.why_not() == Why.NO_COMPILER
    assert build.main() == 1
    said = capsys.readouterr().out
    assert said == "native forwarding off: no C compiler (apt install gcc libc6-dev)\n"


def test_load__file_that_others_may_write__is_refused(elsewhere: Path) -> None:
    path = build.build()
    path.chmod(0o777)
    assert build.why_not() == Why.UNSAFE
    path.chmod(0o755)
    path.parent.chmod(0o777)
    build.forget()
    assert build.why_not() == Why.UNSAFE


def test_load__file_that_is_no_library__is_refused(elsewhere: Path) -> None:
    path = build.build()
    path.write_bytes(b"no library")
    assert build.load() is None
    assert build.why_not() == Why.BROKEN


def test_build__two_processes_at_once__both_get_the_whole_library(elsewhere: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from signaling.native import build; "
        "build.FOLDER = Path(sys.argv[1]); print(build.build())"
    )
    command = [sys.executable, "-c", script, str(elsewhere / "sources")]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = {process.communicate(timeout=60)[0] for process in running}
    assert [process.returncode for process in running] == [0, 0, 0]
    assert said == {f"{build.find()}\n"}


def test_load__this_checkout__has_all_declared_functions() -> None:
    native: Native = library()
    names = [name for name in dir(native.lib) if not name.isupper() and not name.startswith("_")]
    assert len(names) > 20
    for name in names:
        assert getattr(native.lib, name) is not None


@pytest.mark.slow
def test_worlds__under_the_sanitizers__touch_no_wrong_memory() -> None:
    library()
    assert sanitized.main(["60", "1"]) == 0
