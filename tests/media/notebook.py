"""A packet sink for tests: what would have been recorded."""

from signaling.sink import TrackInfo


class Notebook:
    """A sink that writes down everything."""

    def __init__(self) -> None:
        self.tracks: dict[str, TrackInfo] = {}
        self.packets: dict[str, int] = {}
        self.events: list[tuple[str, str]] = []
        self.ended: list[str] = []
        self.reports = 0
        self.payload_types: dict[str, set[int]] = {}

    def track_started(self, track: TrackInfo, at_ns: int) -> None:
        self.tracks[track.track_id] = track

    def packet(self, track_id: str, packet: bytes, at_ns: int) -> None:
        assert packet[0] >> 6 == 2
        self.payload_types.setdefault(self.tracks[track_id].source, set()).add(packet[1] & 0x7F)
        self.packets[track_id] = self.packets.get(track_id, 0) + 1

    def sender_report(self, track_id: str, ntp: int, rtp_timestamp: int, at_ns: int) -> None:
        self.reports += 1

    def track_event(self, track_id: str, event: str, at_ns: int) -> None:
        self.events.append((self.tracks[track_id].source, event))

    def track_ended(self, track_id: str, at_ns: int, cause: str) -> None:
        self.ended.append(cause)

    def count(self, source: str) -> int:
        return sum(count for track, count in self.packets.items() if self.tracks[track].source == source)
