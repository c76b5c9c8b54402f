"""The command line: demo, serve, worker, migrate, rewrap, doctor, media, verify."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import tomllib
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from hearing_server import doctor as doctoring
from hearing_server.errors import HearingError, Invalid
from hearing_server.settings import Settings, load_settings

# Names, messages, pictures and recordings are no business of the machine's other users; a group may make backups.
_OTHERS = 0o027
cli = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=False,
    help=__doc__,
    rich_markup_mode=None,
)

ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="TOML file read over config/default.toml.")
]
DataOption = Annotated[Path | None, typer.Option("--data", help="Data folder; one server per folder.")]
PortOption = Annotated[
    int | None, typer.Option("--port", min=0, max=65535, help="HTTP port; 0 takes a free one.")
]
MediaPortOption = Annotated[
    int | None, typer.Option("--media-port", min=0, max=65535, help="UDP and TCP port of the media.")
]
HostOption = Annotated[str | None, typer.Option("--host", help="Address to listen on.")]


def main() -> None:
    """Entry point; errors we expect are one line, not a traceback."""
    os.umask(os.umask(_OTHERS) | _OTHERS)
    try:
        cli(prog_name="hearing-server")
    except HearingError as error:
        print(f"hearing-server: {error.en} / {error.zh} [{error.code}]", file=sys.stderr)
        raise SystemExit(1) from None


@cli.callback(invoke_without_command=True)
def default(context: typer.Context) -> None:
    """Without a command: the demo court."""
    if context.invoked_subcommand is None:
        demo()


@cli.command()
def demo(
    config: ConfigOption = None,
    data: DataOption = None,
    port: PortOption = None,
    media_port: MediaPortOption = None,
    host: HostOption = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="First line: one JSON object about the court.")
    ] = False,
    robots: Annotated[int, typer.Option("--robots", min=0, max=8, help="Synthetic parties that join.")] = 0,
    phone: Annotated[
        bool, typer.Option("--phone", help="HTTPS on the local network, with a QR code.")
    ] = False,
) -> None:
    """A believable court with cases, people and a hearing that starts soon."""
    from hearing_server.demo import run_demo

    settings = _settings(config, data or Path("data/demo"), port, media_port, host, is_demo=True)
    _run(run_demo(settings, as_json=as_json, robots=robots, phone=phone))


@cli.command()
def serve(
    config: ConfigOption = None,
    data: DataOption = None,
    port: PortOption = None,
    media_port: MediaPortOption = None,
    host: HostOption = None,
    rooms: Annotated[
        bool,
        typer.Option(
            "--rooms/--no-rooms", help="Hold the hearings here, or serve case spaces beside the one who does."
        ),
    ] = True,
) -> None:
    """Serve a court."""
    from hearing_server.serving import serve_court

    settings = _settings(config, data, port, media_port, host, is_demo=False)
    if not rooms:
        alone = settings.server.model_copy(update={"rooms": False})
        settings = settings.model_copy(update={"server": alone})
    _run(serve_court(settings))


@cli.command()
def worker(config: ConfigOption = None, data: DataOption = None) -> None:
    """Send notices and compose films for a server that leaves them (server.runs_jobs = false)."""
    from hearing_server.serving import work_for_court

    _run(work_for_court(_settings(config, data, None, None, None, is_demo=False)))


@cli.command()
def rewrap(config: ConfigOption = None, data: DataOption = None) -> None:
    """Wrap the keys of all cases with the wrapping key now in use."""
    from hearing_server.serving import rewrap_case_keys

    _run(rewrap_case_keys(_settings(config, data, None, None, None, is_demo=False)))


@cli.command()
def migrate(config: ConfigOption = None, data: DataOption = None) -> None:
    """Bring the database up to date."""
    from hearing_server.serving import migrate_database

    asyncio.run(migrate_database(_settings(config, data, None, None, None, is_demo=False)))


@cli.command()
def doctor(config: ConfigOption = None, data: DataOption = None) -> None:
    """Check this machine and the settings; every line says what to do."""
    settings = _settings(config, data, None, None, None, is_demo=False)
    checks = asyncio.run(doctoring.examine(settings))
    for check in checks:
        print(check.line())
    raise typer.Exit(0 if all(check.is_good for check in checks) else 1)


@cli.command()
def media(
    config: ConfigOption = None,
    data: DataOption = None,
    stop: Annotated[
        bool, typer.Option("--stop", help="End them, except where people sit or record.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="With --stop: end those too; their recordings are synced first.")
    ] = False,
) -> None:
    """List the media processes of a data folder, or end them."""
    from hearing_server.adapters.media_process.look import end_media_processes, media_processes

    settings = _settings(config, data, None, None, None, is_demo=False)
    found = asyncio.run(
        end_media_processes(settings.media_dir, even_if_busy=force)
        if stop
        else media_processes(settings.media_dir)
    )
    for facts in found:
        print(
            f"{facts.index}: pid {facts.pid}, udp {facts.udp_port}, tcp {facts.tcp_port}, "
            f"{facts.seats} seats, {facts.recordings} recordings"
        )
    print(f"{len(found)} media process(es) running / 运行中的媒体进程：{len(found)}")
    raise typer.Exit(1 if stop and found else 0)


@cli.command()
def verify(
    path: Annotated[
        Path,
        typer.Argument(help="A receipt, a folder of receipts, a recording's folder, an archive package."),
    ],
    policy: Annotated[
        Path | None,
        typer.Option("--policy", help="Whom you believe: a C2SP tlog-policy file (docs/TRUST.md)."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Only what is wrong.")] = False,
    thorough: Annotated[
        bool,
        typer.Option(
            "--thorough", help="Draw up a record's account anew, though its sealing is vouched for."
        ),
    ] = False,
) -> None:
    """Check receipts and recordings offline; exit 0 when nothing is wrong, 1 with every problem named."""
    from hearing_server.adapters.trust.offline_check import Trusted
    from hearing_server.adapters.trust.package_check import examine_any

    try:
        trusted = Trusted.read(policy) if policy is not None else Trusted()
        report = examine_any(path, trusted, is_thorough=thorough)
    except (OSError, ValueError) as error:
        print(f"hearing-server: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    for line in () if quiet else report.lines:
        print(line)
    for finding in report.findings:
        words = finding.en if finding.zh == finding.en else f"{finding.zh} / {finding.en}"
        print(f"{finding.where}: {words} [{finding.code}]")
    print(f"{len(report.findings)} problem(s)" if report.findings else "intact / 完好")
    raise typer.Exit(1 if report.findings else 0)


@cli.command()
def signer(
    folder: Annotated[
        Path, typer.Option("--folder", help="Key and memory of the log; another volume is best.")
    ],
    origin: Annotated[str, typer.Option("--origin", help="The log's name, as in trust.origin.")],
    socket: Annotated[Path, typer.Option("--socket", help="Unix socket to listen on (trust.signer_socket).")],
) -> None:
    """Sign checkpoints for a server of another user: only what was signed before, grown."""
    from hearing_server.adapters.trust.signer_process import serve_socket

    _run(serve_socket(folder, origin, socket))


@cli.command()
def witness(
    folder: Annotated[Path, typer.Option("--folder", help="Key and memory of this witness.")],
    name: Annotated[str, typer.Option("--name", help="Its name, like notary.example/w1; never changed.")],
    logs: Annotated[Path, typer.Option("--logs", help="A tlog-policy file with the logs it cosigns for.")],
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="HTTP port; 0 takes a free one.")
    ] = 8090,
) -> None:
    """Watch over somebody's log: cosign its checkpoints as long as it only grows."""
    from hearing_server.adapters.trust.witness_server import run_witness

    _run(run_witness(folder, name, logs, host, port))


def _settings(
    config: Path | None,
    data: Path | None,
    port: int | None,
    media_port: int | None,
    host: str | None,
    *,
    is_demo: bool,
) -> Settings:
    """Settings with the command line laid over them. Errors: Invalid `settings.…`."""
    loaded = _read_settings(config)
    server = {"port": port, "host": host}
    media = {"udp_port": media_port, "tcp_port": media_port, "host": host}
    changes: dict[str, object] = {}
    for name, wanted in (("server", server), ("media", media), ("storage", {"data_dir": data})):
        given = {key: value for key, value in wanted.items() if value is not None}
        if given:
            changes[name] = getattr(loaded, name).model_copy(update=given)
    if is_demo:
        changes["demo"] = True
    return loaded.model_copy(update=changes)


def _read_settings(config: Path | None) -> Settings:
    """The settings, or one line that names what is wrong in them (never the values: there are secrets among them)."""
    if config is not None and not config.is_file():
        raise Invalid(
            "settings.no_file", zh=f"没有配置文件 {config}", en=f"There is no configuration file {config}"
        )
    try:
        return load_settings(config)
    except tomllib.TOMLDecodeError as error:
        raise Invalid(
            "settings.not_toml",
            zh=f"配置文件不是有效的 TOML：{error}",
            en=f"The file is not valid TOML: {error}",
        ) from None
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(str(step) for step in problem['loc'])}: {problem['msg']}"
            for problem in error.errors(include_url=False, include_input=False)
        )
        raise Invalid("settings.invalid", zh=f"设置有误：{wrong}", en=f"Wrong settings: {wrong}") from None


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Run until done or until somebody stops us; an uvloop where there is one."""

    async def until_signal() -> None:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task

    try:
        import uvloop
    except ImportError:
        asyncio.run(until_signal())
    else:
        uvloop.run(until_signal())
