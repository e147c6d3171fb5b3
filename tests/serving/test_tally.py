"""Clients of requests that are answered one right after the other are counted together."""

import asyncio

import pytest

from serving.logs import RequestLog
from serving.metrics import Metrics
from serving.tally import Tally


def log(model: str, **decisions: int) -> RequestLog:
    one = RequestLog("r", "POST", model=model, decisions=decisions)
    one.blockers = {"ngram": sum(decisions.values())}
    return one


def test_the_requests_of_a_round_are_one_count_of_each_kind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    metrics = Metrics()
    counted: list[tuple[object, ...]] = []
    monkeypatch.setattr(metrics, "count_clients", lambda *given: counted.append(given))

    async def act() -> None:
        tally = Tally(metrics)
        for one in (log("a", link=1), log("a", no_match=2, link=1), log("b", error=1), log("a")):
            tally.add(one)
        assert counted == []
        await asyncio.sleep(0)
        assert len(counted) == 2
        tally.add(log("a", link=5))
        tally.count()
        await asyncio.sleep(0)

    asyncio.run(act())

    assert counted == [
        ("a", {"link": 2, "no_match": 2}, {"ngram": 4}),
        ("b", {"error": 1}, {"ngram": 1}),
        ("a", {"link": 5}, {"ngram": 5}),
    ]
