"""An address where no scheduler is ends in a refusal with a remedy, not in a traceback of dask."""

from __future__ import annotations

import pytest

from permeability.core import tasks
from permeability.core.errors import OptionError

pytest.importorskip("distributed")


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense", "tcp://", "smoke://here:80"])
def test_nobody_answers(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "CONNECT_S", 1)
    with (
        pytest.raises(OptionError, match=r"W05[\s\S]*no scheduler answers[\s\S]*remedy"),
        tasks.connected(address),
    ):
        pass
