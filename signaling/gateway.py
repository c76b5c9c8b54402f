"""The doors of one engine: certificate, ICE table, UDP port, TCP port, and what descriptions say about them."""

import logging

from signaling.dtls import Certificate
from signaling.native.build import load
from signaling.native.plane import Plane
from signaling.negotiation import LocalTransport
from signaling.paths.ice import IceAgent, IceTable, Ingress, IngressCounters
from signaling.paths.ice_tcp import TcpPort
from signaling.paths.udp_port import UdpPort
from signaling.rooms.pulse import REST_S, Pulse
from signaling.settings import MediaSettings
from signaling.traffic import PictureStarts

logger = logging.getLogger(__name__)


class Gateway:
    """Opened once per engine; every transport registers its ICE agent here."""

    def __init__(self, settings: MediaSettings) -> None:
        self.settings = settings
        self.plane = _open_plane(settings)
        self.pulse = Pulse(step_s=settings.nack_tick_s, rest_s=REST_S)
        if self.plane is not None:
            self.plane.on_trouble = self.pulse.wake
        self.certificate = Certificate()
        self.counters = IngressCounters()
        self.table = IceTable(settings, self.counters)
        self.ingress = Ingress(self.table, self.counters)
        try:
            self.udp = UdpPort(settings, self.ingress, self.plane)
        except OSError:
            if self.plane is not None:
                self.plane.close()
            raise
        self.tcp = TcpPort(settings, self.ingress)
        self.transports = 0
        self.starts = PictureStarts()

    @classmethod
    async def open(cls, settings: MediaSettings) -> "Gateway":
        """Bind both ports; OSError (EADDRINUSE) when one is taken."""
        gateway = cls(settings)
        try:
            await gateway.tcp.start()
        except OSError:
            await gateway.close()
            raise
        return gateway

    def settle(self) -> None:
        """Hear all that came until now."""
        if self.plane is not None:
            self.plane.settle()
        else:
            self.udp.settle()

    async def close(self) -> None:
        self.pulse.stop()
        self.udp.close()
        await self.tcp.stop()
        if self.plane is not None:
            self.plane.close()

    def describe(self, agent: IceAgent) -> LocalTransport:
        """Our side of one transport, for a session description."""
        return LocalTransport(
            ufrag=agent.credentials.ufrag,
            password=agent.credentials.password,
            fingerprint=self.certificate.fingerprint,
            addresses=self.settings.announced_addresses,
            udp_port=self.udp.number,
            tcp_port=self.tcp.number,
        )


def _open_plane(settings: MediaSettings) -> Plane | None:
    """The forwarding thread, when it is wanted and was built. It needs a socket for every peer."""
    native = load() if settings.native and settings.connected_sockets else None
    if native is None:
        return None
    try:
        return Plane(
            native,
            pause_s=settings.native_read_pause_s,
            media_per_s=settings.media_per_transport_per_s,
            others_per_s=settings.rtcp_per_transport_per_s
            + settings.dtls_per_transport_per_s
            + settings.stun_per_address_per_s,
            bursts=settings.native_bursts,
            urgent=settings.native_urgent,
        )
    except OSError as error:  # no thread, no descriptor: slower is better than not at all
        logger.warning("forwarding in Python: %s", error)
        return None
