"""Subtrees searched by a real Dask cluster on this machine: the extra ``dask``, which the test needs."""

from __future__ import annotations

import pytest

from pysnmalloc.explore import explore
from pysnmalloc.explore.scenarios import SCENARIOS
from pysnmalloc.explore.search import parallel

distributed = pytest.importorskip("distributed", reason="needs pip install 'pysnmalloc[dask]'; nox -s dask does that")


@pytest.mark.parametrize("processes", [True, False], ids=["worker processes", "worker threads"])
def test_a_cluster_finds_what_a_search_without_finds(processes: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "HERE", 4)
    monkeypatch.setattr(parallel, "TURNS", 100)
    with (
        distributed.LocalCluster(
            n_workers=2 if processes else 1,
            threads_per_worker=1 if processes else 2,
            processes=processes,
            dashboard_address=None,
        ) as cluster,
        distributed.Client(cluster) as client,
        client.get_executor() as executor,
    ):
        for name, model in (("queue-2x2", "cpp20"), ("queue-split", "sc"), ("home", "tso")):
            alone = explore(SCENARIOS[name], model)
            spread = explore(SCENARIOS[name], model, executor=executor)
            assert spread.runs > alone.runs, "the workers learned no trees: nothing was searched in the cluster"
            assert spread.outcomes == alone.outcomes
            assert (spread.executions, spread.classes, spread.verdict, spread.exhausted) == (
                alone.executions,
                alone.classes,
                alone.verdict,
                alone.exhausted,
            )
