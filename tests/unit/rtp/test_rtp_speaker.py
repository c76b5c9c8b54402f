"""Who is speaking."""

from __future__ import annotations

from signaling.rtp.speaker import SpeakerDetector


class Floor:
    """Lets people speak for a while; levels in -dBov, 20 ms packets, the detector polled every 100 ms."""

    def __init__(self) -> None:
        self.detector: SpeakerDetector[str] = SpeakerDetector()
        self.now_ms = 0.0
        self.changes: list[tuple[str | None, float]] = []

    def talk(self, duration_ms: float, **levels: int) -> Floor:
        end = self.now_ms + duration_ms
        while self.now_ms < end:
            self.now_ms += 20
            for key, level in levels.items():
                self.detector.level(key, level, self.now_ms)
            if self.now_ms % 100 == 0 and self.detector.update(self.now_ms):
                self.changes.append((self.detector.speaker, self.now_ms))
        return self

    @property
    def order(self) -> list[str | None]:
        return [key for key, _ in self.changes]


def test_speaker__one_voice__is_found_within_a_second() -> None:
    floor = Floor().talk(1000, a=20, b=127)
    assert floor.order == ["a"]
    assert floor.changes[0][1] <= 900


def test_speaker__quiet_room__has_none() -> None:
    assert Floor().talk(5000, a=60, b=127).order == []


def test_speaker__cough_of_a_tenth_of_a_second__changes_nothing() -> None:
    floor = Floor().talk(1000, a=127, b=127).talk(100, a=5, b=127).talk(2000, a=127, b=127)
    assert floor.order == []


def test_speaker__others_begin_when_one_has_ended__take_over_quickly() -> None:
    floor = Floor().talk(2000, a=20, b=127).talk(2500, a=127, b=20)
    assert floor.order == ["a", "b"]
    assert floor.changes[1][1] - 2000 <= 1500


def test_speaker__interjection_while_speaking__keeps_the_floor() -> None:
    floor = Floor().talk(2000, a=25, b=127).talk(600, a=25, b=20).talk(3000, a=25, b=127)
    assert floor.order == ["a"]


def test_speaker__louder_for_long__takes_over_and_equally_loud_does_not() -> None:
    assert Floor().talk(2000, a=25, b=127).talk(3000, a=25, b=15).order == ["a", "b"]
    assert Floor().talk(2000, a=25, b=127).talk(3000, a=25, b=24).order == ["a"]


def test_speaker__pause_for_thought__keeps_the_floor_and_long_silence_gives_it_up() -> None:
    floor = Floor().talk(2000, a=20, b=127).talk(2000, a=127, b=127)
    assert floor.order == ["a"]
    floor.talk(3000, a=127, b=127)
    assert floor.order == ["a", None]


def test_speaker__removed_or_muted__is_gone_at_once() -> None:
    floor = Floor().talk(2000, a=20)
    floor.detector.remove("a")
    assert floor.detector.speaker is None
    assert not floor.detector.update(2100)


def test_speaker__packets_stop_without_silence_packets__is_silence() -> None:
    floor = Floor().talk(2000, a=20, b=127)
    floor.talk(4000, b=127)
    assert floor.order == ["a", None]


def test_level__absent__is_ignored() -> None:
    assert Floor().talk(3000, a=-1).order == []
