"""What `doctor` says of the log of acts."""

from __future__ import annotations

from pathlib import Path

import pytest

from hearing_server.adapters.bus import MemoryBus
from hearing_server.errors import HearingError
from hearing_server.log_doctor import look_at_log
from hearing_server.settings import Settings, load_settings
from hearing_server.storage.database import create_engine
from hearing_server.storage.schema import bring_up_to_date
from hearing_server.storage.unit_of_work import SqlUnits
from tests.storage.test_act_log import write


def court_settings(folder: Path, **trust: Path) -> Settings:
    return load_settings(storage={"data_dir": folder}, trust=trust)


async def test_doctor__before_the_first_start__finds_nothing_wrong(tmp_path: Path) -> None:
    is_good, seen, advice = await look_at_log(court_settings(tmp_path), "crt_1")
    assert is_good
    assert seen == "0 acts, 0 under a checkpoint; signer not started yet; 0 witness(es), time stamps off"
    assert "trust.policy_file" in advice


async def test_doctor__of_acts_that_nobody_signed__says_so(tmp_path: Path) -> None:
    settings = court_settings(tmp_path)
    engine = create_engine(settings.database_url)
    await bring_up_to_date(engine)
    async with SqlUnits(engine, MemoryBus()).write() as unit:
        await write(unit, "cas_1")
    await engine.dispose()
    is_good, seen, advice = await look_at_log(settings, "crt_1")
    assert not is_good
    assert seen.startswith("1 acts, 0 under a checkpoint")
    assert "TRUST.md" in advice


@pytest.mark.parametrize("trust", [{"policy_file": "nowhere"}, {"signer_socket": "nowhere"}])
async def test_doctor__of_settings_that_lead_nowhere__names_them(
    tmp_path: Path, trust: dict[str, str]
) -> None:
    settings = court_settings(tmp_path, **{name: tmp_path / path for name, path in trust.items()})
    with pytest.raises(HearingError) as wrong:
        await look_at_log(settings, "crt_1")
    assert wrong.value.code in ("trust.policy", "signer.down")
