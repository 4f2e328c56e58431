"""An address where no scheduler is ends in a refusal with a remedy, not in a traceback of dask."""

from __future__ import annotations

import pytest

from permeability.core import tasks
from permeability.core.errors import OptionError

pytest.importorskip("distributed")


@pytest.mark.parametrize(
    "address", ["tcp://127.0.0.1:9", "nonsense", "tcp://", "smoke://here:80", "tcp://127.0.0.1:99999", ""]
)
def test_nobody_answers(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "CONNECT_S", 1)
    with (
        pytest.raises(OptionError, match=r"W05[\s\S]*no scheduler answers[\s\S]*remedy"),
        tasks.connected(address),
    ):
        pass


def test_no_client_is_made_where_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client of dask that fails halfway leaves a thread behind, and one in three never returned."""
    import distributed

    def never(*_: object, **__: object) -> None:
        pytest.fail("a client was made")

    monkeypatch.setattr(distributed, "Client", never)
    for address in ("smoke://here:80", "tcp://127.0.0.1:9"):
        with pytest.raises(OptionError, match="W05"), tasks.connected(address):
            pass
