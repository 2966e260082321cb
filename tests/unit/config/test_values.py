"""Settings become numbers of processes."""

from __future__ import annotations

import pytest

from relay.config import values
from relay.config.settings import Settings


@pytest.mark.parametrize(
    ("database", "workers", "cores", "processes", "signers"),
    [
        ("sqlite", 1, 1, 1, 1),
        ("sqlite", 1, 2, 1, 2),
        ("sqlite", 4, 6, 1, 6),
        ("sqlite", 1, 64, 1, 8),
        ("postgresql://assay@/assay", 1, 16, 1, 8),
        ("postgresql://assay@/assay", 3, 16, 3, 6),
        ("postgresql://assay@/assay", 0, 4, 4, 1),
        ("postgresql://assay@/assay", 8, 4, 8, 1),
    ],
)
def test_signers_share_the_cores_among_the_processes(
    database: str, workers: int, cores: int, processes: int, signers: int
) -> None:
    settings = Settings.model_validate({"relay": {"database": database, "workers": workers}})
    assert values.processes(settings, cores) == processes
    assert values.signers(settings, cores) == signers
    assert values.fan_out_limits(settings, cores).feeders == signers + 1
