"""
The master key as a systemd credential: a file whose mode says more than is so.
"""

from pathlib import Path

import pytest

from watchword.server.settings import Settings
from watchword.server.storage import master_key
from watchword.server.storage.master_key import MasterKeyError


def write_key(folder: Path, mode: int) -> Settings:
    """
    Write a master key into a folder, and return settings that name it.
    """
    folder.mkdir()
    path = folder / "master.key"
    path.write_text(master_key.new_line())
    path.chmod(mode)
    return Settings(home=folder, master_key_file=path)


@pytest.fixture
def credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """
    Name the folder in which systemd puts a service's credentials.
    """
    folder = tmp_path / "credentials"
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    return folder


def test_credential_is_taken_though_its_mode_names_the_group(credentials: Path) -> None:
    """
    An access control list that lets the service's user in shows as 0440, and the folder is closed to all others.
    """
    assert master_key.load(write_key(credentials, 0o440)) is not None


def test_credential_that_everybody_may_read_is_refused(credentials: Path) -> None:
    """
    No access control list looks like that.
    """
    with pytest.raises(MasterKeyError, match="can be read by others"):
        master_key.load(write_key(credentials, 0o444))


@pytest.mark.parametrize("name", ["credentials-of-another", "elsewhere"])
def test_other_file_that_the_group_may_read_is_refused(credentials: Path, tmp_path: Path, name: str) -> None:
    """
    Only the service's own folder of credentials is trusted to be closed.
    """
    with pytest.raises(MasterKeyError, match="can be read by others"):
        master_key.load(write_key(tmp_path / name, 0o440))
