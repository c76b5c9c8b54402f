"""What every vault and every notifier promises, whichever stands behind the port."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hearing_server.adapters.notifying.simulated import SimulatedChannel
from hearing_server.adapters.vault import FolderVault
from hearing_server.errors import Unavailable
from hearing_server.ports.notices import Letter, Notifier
from hearing_server.ports.vault import Vault

OpenVault = Callable[[Path], Vault]
LETTER = Letter("k", "13800000001", "法院", "您好")


@pytest.fixture(params=[FolderVault])
def open_vault(request: pytest.FixtureRequest) -> OpenVault:
    opener: OpenVault = request.param
    return opener


@pytest.fixture
def vault(open_vault: OpenVault, tmp_path: Path) -> Vault:
    return open_vault(tmp_path / "keys")


@pytest.fixture(params=[SimulatedChannel])
def notifier(request: pytest.FixtureRequest) -> Notifier:
    made: Notifier = request.param()
    return made


@pytest.mark.parametrize("text", ["", "13800000001", "法庭" * 500, "\x00\x7f"])
def test_vault__sealed__opens_in_its_own_place_alone(vault: Vault, text: str) -> None:
    sealed = vault.seal(text, context="persons.phone:per_1")
    assert vault.open(sealed, context="persons.phone:per_1") == text
    for context in ("persons.phone:per_2", "persons.id_number:per_1", ""):
        with pytest.raises(ValueError, match="changed"):
            vault.open(sealed, context=context)


def test_vault__sealed_twice__looks_different_and_hides_the_text(vault: Vault) -> None:
    first, second = (vault.seal("13800000001", context="c") for _ in range(2))
    assert first != second
    assert b"1380" not in first


def test_vault__any_bit_flipped_or_end_cut__is_noticed(vault: Vault) -> None:
    sealed = vault.seal("3301", context="c")
    broken = [
        sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :] for place in range(len(sealed))
    ]
    for damaged in (*broken, sealed[:-1], sealed[:12], b""):
        with pytest.raises(ValueError, match=r"changed|[Nn]once"):
            vault.open(damaged, context="c")


def test_vault__index__is_equal_for_equal_texts_of_one_purpose(
    vault: Vault, open_vault: OpenVault, tmp_path: Path
) -> None:
    index = vault.index("13800000001", purpose="phone")
    assert index == vault.index("13800000001", purpose="phone")
    others = {
        vault.index("13800000002", purpose="phone"),
        vault.index("13800000001", purpose="id_number"),
        open_vault(tmp_path / "other").index("13800000001", purpose="phone"),
    }
    assert index not in others
    assert len(others) == 3


def test_vault__opened_again__has_the_same_keys_and_guards_their_file(
    vault: Vault, open_vault: OpenVault, tmp_path: Path
) -> None:
    again = open_vault(tmp_path / "keys")
    assert again.open(vault.seal("x", context="c"), context="c") == "x"
    assert (again.grant_key(), len(again.grant_key())) == (vault.grant_key(), 32)
    for file in (tmp_path / "keys").iterdir():
        assert file.stat().st_mode & 0o077 == 0


def test_vault__key_file_cut__is_refused_and_not_replaced(
    vault: Vault, open_vault: OpenVault, tmp_path: Path
) -> None:
    (key,) = (tmp_path / "keys").iterdir()
    key.write_bytes(b"short")
    with pytest.raises(Unavailable, match=r"keys\.damaged"):
        open_vault(tmp_path / "keys")
    assert key.read_bytes() == b"short"


async def test_notifier__sends__says_how_it_went_and_whether_it_was_real(notifier: Notifier) -> None:
    result = await notifier.send(LETTER)
    assert result.state in ("accepted", "failed", "retry")
    assert result.simulated is notifier.is_simulated
    assert "13800000001" not in result.detail
    assert "您好" not in result.detail


async def test_notifier__same_key_again__is_no_error(notifier: Notifier) -> None:
    first, second = [await notifier.send(LETTER) for _ in range(2)]
    assert (first.state, second.state) == ("accepted", "accepted")
