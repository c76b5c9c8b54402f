"""Settings of the media engine: addresses, keys, and every limit with its reason."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaSettings:
    """One engine. Port 0 takes an ephemeral port; `announced_addresses` are what browsers are told to reach.

    Units are in the names. Defaults follow the anchors read for this design (Galene, LiveKit, Jitsi).
    """

    announced_addresses: tuple[str, ...]
    grant_keys: tuple[bytes, ...]
    host: str = "0.0.0.0"
    udp_port: int = 0
    tcp_port: int = 0

    # Rooms. A hearing has 3-12 people; the caps only keep a runaway client from growing the process.
    max_rooms: int = 256
    max_participants: int = 64
    max_transports: int = 2048
    seat_timeout_s: float = 600.0  # a lost seat is kept this long for its owner to come back

    # Attention. Eight faces fill a phone; bench, speaker, screens and pinned faces come on top when they are more. With
    # more open microphones than this only the loudest pass, and the bench: nobody follows twelve voices at once.
    last_n: int = 8
    max_voices: int = 12
    layer_pause_s: float = 5.0  # a layer nobody watches is given up after this long (LiveKit's dynacast)

    # Liveness. 3 s silence is shown to the judge; browsers ping at least every 2.5 s, so 8 s means gone (Jitsi).
    silence_s: float = 3.0
    lost_s: float = 8.0
    weak_loss_ratio: float = 0.05
    weak_rtt_ms: float = 400.0

    # Rates. The stock estimator needs 40 s to 2 Mbit/s; a hearing must be sharp at once.
    publisher_start_bps: int = 2_000_000
    publisher_max_bps: int = 4_000_000
    publisher_min_bps: int = 200_000
    viewer_start_bps: int = 8_000_000  # seven pictures of a hearing; losses bring it down within seconds
    remb_interval_s: float = 1.0

    # Redundant audio (RFC 2198): record and viewers hear through losses, at twice the audio rate. Sinks get RED as it
    # came (`TrackInfo.red_payload_type`), viewers too when their browser takes it, else plain Opus.
    accept_red: bool = True

    # How long packets may wait to be read together (0: not at all). See `udp_port`; a quarter of a voice packet.
    read_pause_s: float = 0.005

    # The forwarding thread in C, when it was built (`signaling.native`). It wakes cheaply, so it may wait less.
    native: bool = True
    native_read_pause_s: float = 0.0004  # at half of a core p99.9 of the stay is 1.7 ms; 1 ms: 3.2, and 8 % less CPU
    native_urgent: bool = (
        True  # before other work of the machine, as far as the system allows (`native/urgency.c`)
    )
    native_bursts: bool = True  # equal packets of a picture leave in one system call (UDP_SEGMENT)

    # Measuring. One datagram in so many is read with its arrival time (1.5 us more for it); the figures of each path go
    # up every few seconds, for people who look at a list, not for machines.
    residence_sample: int = 61
    facts_interval_s: float = 5.0

    # Loss. 20 ms before the first request lets reordering heal (Galene); 500 ms keeps keyframe requests sane.
    nack_tick_s: float = 0.02
    keyframe_interval_s: float = 0.5

    # Guards.
    socket_buffer_bytes: int = 4 << 20
    connected_sockets: bool = (
        True  # one kernel-filtered socket per nominated peer: a flood cannot starve a call
    )
    prove_paths: bool = True  # media follows a peer to a new address only after it answered from there
    stun_per_address_per_s: int = 50  # a browser with ten candidate pairs needs about 20
    stun_unknown_per_s: int = 2000  # all unknown addresses together: bounds what signatures may cost us
    stun_unknown_per_host_per_s: int = 400  # a court's whole building may sit behind one address
    media_per_transport_per_s: int = 4000  # camera, screen and voice in every layer stay below 2000
    rtcp_per_transport_per_s: int = 400  # 30 received streams x 10 reports and NACKs
    dtls_per_transport_per_s: int = 200  # a handshake takes about 20 records, each flight a few repeats
    tcp_unproven: int = 128  # connections that have not proven anything yet; the oldest makes room
    tcp_frames_per_s: int = 8000  # media and reports of one connection stay below 3000
    tcp_connections: int = 512
    tcp_connections_per_address: int = 32
    tcp_first_frame_s: float = 5.0  # slow-loris: an unauthenticated connection must prove itself in this time
    tcp_send_buffer_bytes: int = 512 << 10  # about 2 s of video; beyond it video drops to the next keyframe
    handshake_timeout_s: float = 20.0
    answer_timeout_s: float = 15.0
