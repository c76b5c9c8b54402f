"""The doors of one engine: certificate, ICE table, UDP port, TCP port, and what descriptions say about them."""

from signaling.dtls import Certificate
from signaling.ice import IceAgent, IceTable, Ingress, IngressCounters
from signaling.ice_tcp import TcpPort
from signaling.negotiation import LocalTransport
from signaling.settings import MediaSettings
from signaling.udp_port import UdpPort


class Gateway:
    """Opened once per engine; every transport registers its ICE agent here."""

    def __init__(self, settings: MediaSettings) -> None:
        self.settings = settings
        self.certificate = Certificate()
        self.counters = IngressCounters()
        self.table = IceTable(settings, self.counters)
        self.ingress = Ingress(self.table, self.counters)
        self.udp = UdpPort(settings, self.ingress)
        self.tcp = TcpPort(settings, self.ingress)
        self.transports = 0

    @classmethod
    async def open(cls, settings: MediaSettings) -> "Gateway":
        """Bind both ports; OSError (EADDRINUSE) when one is taken."""
        gateway = cls(settings)
        try:
            await gateway.tcp.start()
        except OSError:
            gateway.udp.close()
            raise
        return gateway

    async def close(self) -> None:
        self.udp.close()
        await self.tcp.stop()

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
