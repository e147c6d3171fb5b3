"""Comparing a server with the golden clients of its bundle."""

from pathlib import Path

from starlette.testclient import TestClient

from linkage_rl.bundle import read_golden
from serving.parity import differences


def test_a_server_agrees_with_its_bundle_and_differences_are_found(
    client: TestClient, bundle: Path
) -> None:
    golden = read_golden(bundle)
    clients = [{"client_id": one.client_id, **one.fields} for one in golden]
    results = client.post("/invocations", json={"clients": clients}).json()["results"]

    assert differences(golden, results) == []

    results[0] |= {"company_id": "c2"}
    results[1] |= {"confidence": results[1]["confidence"] + 2e-5}
    other_company, other_confidence = differences(golden, results)
    assert "'g1': expected 'link to c1" in other_company
    assert "'g2': expected 'no_match" in other_confidence
    assert differences(golden, results[:1])[0] == "expected 2 results, got 1"
