"""The library that the web client sends files with, against the real server, in the Node that built the client."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
from pathlib import Path

from tests.architecture.tree import ROOT
from tests.court import running_court
from tests.rest.recorded import case_of
from tests.rest.tus_wire import ask, settled
from tests.sample_files import pdf
from tests.web_client.test_client import bundle

__all__ = ["bundle"]


async def test_tus_js_client__broken_off_and_resumed__the_file_is_whole(
    tmp_path: Path,
    bundle: object,
) -> None:
    content = pdf(*[f"Page {number} {'x' * 900}" for number in range(300)])
    file = tmp_path / "合同.pdf"
    file.write_bytes(content)
    async with running_court(tmp_path / "court") as court, court.party("林书瑶") as lin:
        case_id, _ = await case_of(court)
        cookie = "; ".join(f"{one.key}={one.value}" for one in lin.http.cookie_jar)
        command, environment = bundle.npm_command()  # type: ignore[attr-defined]
        # Beside the packages, so that Node finds them.
        script = ROOT / "web_client" / "node_modules" / f".tus_js_{tmp_path.name}.mjs"
        shutil.copyfile(Path(__file__).parent / "tus_js.mjs", script)
        try:
            process = await asyncio.create_subprocess_exec(
                "node" if command == ["npm"] else command[0], str(script), f"{court.url}/api/v1/uploads",
                cookie, case_id, str(file), file.name,
                env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
            async with asyncio.timeout(60):
                said, complaints = await process.communicate()
        finally:
            script.unlink()
        assert process.returncode == 0, complaints.decode()
        places = json.loads(said)
        facts = await settled(lin, places["kept"])
        assert (facts["state"], facts["pages"], facts["name"]) == ("ready", 300, "合同.pdf")
        assert facts["sha256"] == hashlib.sha256(content).hexdigest()
        assert (await ask(lin, "HEAD", places["given_up"]))[0] == 404
