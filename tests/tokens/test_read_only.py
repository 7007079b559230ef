"""
A home on a file system that can only be read.
"""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.support.home import ON_SQLITE, settings_of
from tests.support.shopping import Shopping, ask_as_bot
from watchword.protocol.errors import TemporarilyUnavailable
from watchword.server.bootstrap import open_context
from watchword.server.domain.health import public_reason
from watchword.server.domain.names import ApplicationType
from watchword.server.operations import applications
from watchword.server.operations.applications import NewApplication
from watchword.server.storage.database import StorageUnavailable
from watchword.server.web.request_log import NoRequestLines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from watchword.server.context import Context

pytestmark = ON_SQLITE


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """
    Lay a view of a folder over it that can't be written through.
    """
    for command in (["--bind", str(folder), str(folder)], ["-o", "remount,ro,bind", str(folder)]):
        if subprocess.run(["mount", *command], check=False, capture_output=True).returncode != 0:
            pytest.skip("file systems can't be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts file systems")
async def test_home_that_can_only_be_read_gives_no_token(ctx: Context, shopping: Shopping) -> None:
    """
    What is opened while nothing can be written gives no token and takes no change; afterwards both work.
    """
    with read_only(ctx.settings.home):
        # The process has its files open by another way; who opens them now can't write them.
        ctx.database.close()
        with pytest.raises(TemporarilyUnavailable) as caught:
            await ask_as_bot(ctx, shopping)
        assert public_reason(str(caught.value.detail)) == "it can only be read"
        assert caught.value.status == 503
        with pytest.raises(StorageUnavailable, match="readonly"):
            create(shopping, "lost")
        with pytest.raises(StorageUnavailable, match="readonly"):
            open_context(settings_of(ctx.settings.home), NoRequestLines())
    assert (await ask_as_bot(ctx, shopping)).access_token
    create(shopping, "kept")


def create(shopping: Shopping, name: str) -> None:
    """
    Make an application.
    """
    applications.create(shopping.acting, NewApplication(name=name, type=ApplicationType.MACHINE_TO_MACHINE))
