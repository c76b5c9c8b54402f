"""Every setting, with its unit and default: one frozen tree, read once at start.

Order of strength: environment `HEARING_SECTION__NAME` over the TOML file named by `HEARING_CONFIG` (or `--config`) over
`config/default.toml` over the defaults here. An unknown key is an error. Secrets can be files (`*_file`).
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from hearing_server.channel_settings import ChannelSettings

ROOT = Path(__file__).resolve().parent.parent
# The data folder `config/` lies beside the packages in a checkout and inside this one in an installed wheel.
CONFIG = next(
    (f for f in (ROOT / "config", Path(__file__).resolve().parent / "_config") if f.is_dir()), ROOT / "config"
)


class Section(BaseModel):
    """A frozen group of settings; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ServerSettings(Section):
    """The HTTP and Socket.IO side."""

    host: str = Field(
        "127.0.0.1", description="Address to listen on; 0.0.0.0 for phones in the same network."
    )
    port: int = Field(8080, ge=0, le=65535, description="TCP port; 0 takes a free one.")
    public_url: str = Field(
        "", description="How browsers reach the server; empty: derived from host and port."
    )
    tls_certificate: Path | None = Field(
        None, description="PEM chain; with tls_key the server speaks HTTPS itself."
    )
    tls_key: Path | None = Field(None, description="PEM private key.")
    runs_jobs: bool = Field(
        True, description="Send notices and compose films here; false leaves both to workers."
    )
    rooms: bool = Field(
        True,
        description="Hold the court's hearings, records and log here: exactly one server does; false: case spaces and"
        " pages alone, beside it, on the same database, Redis and data folder.",
    )
    trusted_proxies: int = Field(
        0, ge=0, le=3, description="Reverse proxies before us whose X-Forwarded-For counts."
    )
    metrics_per_hearing: bool = Field(
        False, description="/metrics also has seven series per running hearing, with its id as label."
    )


class MediaSettings(Section):
    """The media plane: one UDP port, one TCP port for networks without UDP."""

    host: str = Field("127.0.0.1", description="Address of the media sockets.")
    udp_port: int = Field(8081, ge=0, le=65535, description="UDP port of all media; 0 takes a free one.")
    tcp_port: int = Field(8081, ge=0, le=65535, description="TCP port of ICE-TCP; 0 takes a free one.")
    announced_addresses: tuple[str, ...] = Field(
        (), description="Addresses written into SDP; empty: the media host."
    )
    native: bool = Field(
        True,
        description="Forward in the C thread where it was built; false: in Python, at several times the cost.",
    )
    processes: int = Field(
        0,
        ge=0,
        le=64,
        description="Rooms live in so many processes of their own (one per core; ports: base + number); 0: in ours.",
    )
    orphan_s: float = Field(
        900.0,
        ge=1.0,
        description="A media process without people and recordings ends when no server came for it for so long, s.",
    )
    last_n: int = Field(
        8,
        ge=1,
        le=64,
        description="Pictures one viewer is sent; bench, speaker, screens and pinned ones never drop.",
    )
    max_voices: int = Field(
        12,
        ge=3,
        le=64,
        description="With more open microphones only the loudest so many pass; the bench always does.",
    )
    turn_urls: tuple[str, ...] = Field(
        (),
        description="TURN servers told to clients, e.g. turns:turn.court.example:443?transport=tcp; empty: none.",
    )
    turn_secret_file: Path | None = Field(
        None, description="File with the secret shared with the TURN server (coturn: static-auth-secret)."
    )
    turn_life_s: int = Field(
        12 * 3600,
        ge=300,
        le=7 * 86400,
        description="How long TURN credentials hold: longer than any hearing, s.",
    )

    @model_validator(mode="after")
    def _every_process_has_ports(self) -> MediaSettings:
        if max(self.udp_port, self.tcp_port) + max(self.processes - 1, 0) > 65535:
            raise ValueError("media.processes: the ports of the last process are beyond 65535")
        return self

    @model_validator(mode="after")
    def _turn_is_whole(self) -> MediaSettings:
        if any(not url.startswith(("turn:", "turns:")) for url in self.turn_urls):
            raise ValueError("media.turn_urls: every URL begins with turn: or turns:")
        if self.turn_urls and self.turn_secret_file is None:
            raise ValueError("media.turn_urls need media.turn_secret_file")
        return self


class StorageSettings(Section):
    """Where things are kept."""

    data_dir: Path = Field(
        Path("data"),
        description="Folder of database, recordings, objects, keys. One server with rooms per folder.",
    )
    database_url: str = Field("", description="SQLAlchemy async URL; empty: SQLite in the data folder.")
    redis_url: str = Field("", description="redis:// URL of the event bus; empty: one process, in memory.")
    recordings_dir: Path | None = Field(
        None, description="Folder of recordings; empty: inside the data folder."
    )
    uploads_dir: Path | None = Field(
        None,
        description="Folder of half-sent files; empty: inside the data folder. Servers behind one address share it.",
    )
    reserve_bytes: int = Field(
        512 * 1024 * 1024, ge=0, description="A hearing doesn't open with less free disk than this."
    )
    archive_check_days: int = Field(
        30, ge=1, le=3650, description="Every archive package is read back whole so often."
    )
    s3_bucket: str = Field("", description="Bucket of uploads and archives; empty: in the data folder.")
    s3_endpoint: str = Field(
        "", description="Address of an S3-compatible store, e.g. https://s3.court.example; empty: Amazon's."
    )
    s3_region: str = Field("us-east-1", description="Region of the bucket; most private stores ignore it.")
    s3_prefix: str = Field("", description="Everything lies below this path in the bucket.")
    encrypt_objects: bool = Field(
        True, description="Encrypt uploads and archives at rest, each case with its own key."
    )
    key_file: Path | None = Field(
        None, description="Key that wraps the cases' keys: 32 bytes or 64 hex digits; empty: made in keys/."
    )
    key_command: tuple[str, ...] = Field(
        (), description="Program that prints that key (key server, smart card); goes before the file."
    )
    older_key_files: tuple[Path, ...] = Field(
        (),
        description="Former keys, which still open what they wrapped until the cases' keys are wrapped anew.",
    )


class TrustSettings(Section):
    """The log of acts: who signs it, who vouches for it. docs/TRUST.md says what each of them proves."""

    origin: str = Field(
        "",
        pattern=r"^[^\s+]*$",
        description="Name of the log, like court.example/acts; fixed once it signed. Empty: from the court's id.",
    )
    checkpoint_every_s: float = Field(
        2.0, ge=0.2, le=3600.0, description="How soon new acts are under a signed checkpoint, s."
    )
    signer_dir: Path | None = Field(
        None,
        description="Folder of the log's key and the signer's memory, best on another volume; empty: data folder.",
    )
    signer_socket: Path | None = Field(
        None, description="Unix socket of a signer run as another user; empty: the server starts its own."
    )
    policy_file: Path | None = Field(
        None,
        description="Witnesses that are shown every checkpoint: a C2SP tlog-policy file with their keys and URLs.",
    )
    tsa_url: str = Field("", description="RFC 3161 time-stamping authority; empty: no time stamps.")
    tsa_roots_file: Path | None = Field(
        None, description="PEM file of the roots that its stamps are checked against."
    )
    tsa_every_s: float = Field(
        60.0, ge=1.0, description="A new time stamp while the log grows, at most this old, s."
    )
    public_entries: bool = Field(
        False,
        description="Serve entries as well as hashes: no names, but who watches sees which acts follow another.",
    )

    @model_validator(mode="after")
    def _stamps_can_be_checked(self) -> TrustSettings:
        if self.tsa_url and self.tsa_roots_file is None:
            raise ValueError("trust.tsa_url needs trust.tsa_roots_file")
        return self


class RecorderSettings(Section):
    """The second recorder of every hearing and the making of films, each in processes of its own."""

    second_folder: str = Field(
        "recordings-second",
        description="Where the second recorder writes, best on another volume: a path, or a name in the data folder;"
        ' "" records once.',
    )
    film_share: float = Field(
        0.6,
        ge=0.0,
        le=8.0,
        description="Share of one core that films being made while hearings run may take, all together;"
        " 0: films are made after the hearing alone.",
    )
    check_content: bool = Field(
        True,
        description="Look into sealed pieces while a hearing runs (in a locked-up process of least priority) and raise"
        " an alarm when somebody who speaks is silent there, a picture stands still or a line is missing.",
    )


class PublicSettings(Section):
    """What the public page shows of running hearings."""

    live_delay_s: float = Field(
        60.0,
        ge=20.0,
        le=3600.0,
        description="How much later than the hearing an approved broadcast is shown: the time to cut it, s.",
    )


class LimitSettings(Section):
    """What one request may cost."""

    body_bytes: int = Field(256 * 1024, description="Largest JSON body.")
    import_bytes: int = Field(8 * 1024 * 1024, description="Largest case import file.")
    attachment_bytes: int = Field(20 * 1024 * 1024, description="Largest picture in a case space.")
    document_bytes: int = Field(100 * 1024 * 1024, description="Largest document in a case space.")
    audio_bytes: int = Field(200 * 1024 * 1024, description="Largest sound file in a case space.")
    video_bytes: int = Field(2 * 1024**3, description="Largest film in a case space.")
    document_pages: int = Field(2000, ge=1, description="Most pages of one document.")
    person_case_bytes: int = Field(
        10 * 1024**3, description="What one person may keep in one case, all files together."
    )
    case_bytes: int = Field(50 * 1024**3, description="What one case may hold, all files together.")
    unfinished_uploads: int = Field(
        30, ge=1, description="Files one person may have on their way into one case at a time."
    )
    replay_workers: int = Field(
        2, ge=1, le=32, description="Films watched at one moment share so many encoders (three viewers each)."
    )
    report_bytes: int = Field(8 * 1024, description="Largest report of a message gateway.")
    text_chars: int = Field(5000, description="Longest text message, characters.")


class InspectionSettings(Section):
    """How files that people send are looked into before anybody else sees them."""

    clamd: str = Field(
        "",
        pattern=r"^(|unix:/.+|[^:/]+:[0-9]{1,5})$",
        description="Virus scanner: unix:/run/clamav/clamd.ctl or host:3310; empty: files are not scanned.",
    )
    clamd_max_bytes: int = Field(
        100 * 1024 * 1024,
        ge=1024,
        description="Largest file the scanner takes (its StreamMaxLength); a larger film is marked as not scanned.",
    )
    office: str = Field(
        "soffice",
        description="LibreOffice, for pages of office documents; empty or missing: no preview of them.",
    )
    processes: int = Field(2, ge=1, le=16, description="Files looked into at a time.")
    memory_bytes: int = Field(
        1536 * 1024**2, ge=512 * 1024**2, description="Address space of one process that looks into files."
    )
    seconds: float = Field(
        120.0, ge=5.0, le=3600.0, description="Longest look into one file; then it is refused."
    )


class SpaceSettings(Section):
    """The case space: how long people may come back to what they wrote, and how soon they are answered."""

    correction_s: int = Field(
        600, ge=0, le=7 * 86400, description="Own text may be corrected (both versions stay) for so long, s."
    )
    withdraw_s: int = Field(
        120, ge=0, le=86400, description="An own message may be taken out of sight for so long, s; 0: never."
    )
    mention_notice_s: int = Field(
        120, ge=0, description="Who is mentioned and hasn't read it after so long gets an SMS, s."
    )
    contact_requests_per_day: int = Field(
        3, ge=1, le=100, description="How often one person may ask to be contacted, per case and day."
    )
    contact_due_h: int = Field(
        24,
        ge=1,
        le=24 * 14,
        description="A request for contact is overdue after so many hours, work day or not.",
    )


class Settings(BaseSettings):
    """The whole tree."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix="HEARING_", env_nested_delimiter="__"
    )
    toml_files: ClassVar[tuple[Path, ...]] = ()

    server: ServerSettings = ServerSettings()  # type: ignore[call-arg]
    media: MediaSettings = MediaSettings()  # type: ignore[call-arg]
    storage: StorageSettings = StorageSettings()  # type: ignore[call-arg]
    recorder: RecorderSettings = RecorderSettings()  # type: ignore[call-arg]
    public: PublicSettings = PublicSettings()  # type: ignore[call-arg]
    channels: ChannelSettings = ChannelSettings()  # type: ignore[call-arg]
    limits: LimitSettings = LimitSettings()  # type: ignore[call-arg]
    space: SpaceSettings = SpaceSettings()  # type: ignore[call-arg]
    inspection: InspectionSettings = InspectionSettings()  # type: ignore[call-arg]
    trust: TrustSettings = TrustSettings()  # type: ignore[call-arg]
    court_file: Path = Field(
        CONFIG / "courts" / "yunhe.toml", description="The court: name, 代字, time zone, ladders."
    )
    demo: bool = Field(
        False, description="Demo court: landing page, readable outbox, known passwords. Never in use."
    )
    config: Path | None = Field(None, description="A TOML file read over config/default.toml.")

    @property
    def database_url(self) -> str:
        return self.storage.database_url or f"sqlite+aiosqlite:///{self.storage.data_dir / 'court.db'}"

    @property
    def recordings_dir(self) -> Path:
        return self.storage.recordings_dir or self.storage.data_dir / "recordings"

    @property
    def uploads_dir(self) -> Path:
        return self.storage.uploads_dir or self.storage.data_dir / "uploads"

    @property
    def signer_dir(self) -> Path:
        return self.trust.signer_dir or self.storage.data_dir / "signer"

    @property
    def second_recordings_dir(self) -> Path | None:
        """Folder of the second recorder; None when every hearing is recorded once."""
        named = self.recorder.second_folder
        return self.storage.data_dir / named if named else None

    @property
    def media_dir(self) -> Path:
        """Sockets and locks of media processes."""
        return self.storage.data_dir / "media"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (
            init_settings,
            env_settings,
            TomlConfigSettingsSource(settings_cls, toml_file=list(cls.toml_files)),
        )


def load_settings(config: Path | None = None, **overrides: object) -> Settings:
    """Read the tree: defaults, `config/default.toml`, then `config`, then the environment, then `overrides`.

    Raises pydantic.ValidationError, which names every wrong key.
    """
    files = tuple(f for f in (CONFIG / "default.toml", config) if f is not None and f.is_file())
    reader = type("FileSettings", (Settings,), {"toml_files": files, "__module__": __name__})
    loaded: Settings = reader(**overrides)
    return loaded
