"""Golden clients against what a server answers."""

from pathlib import Path

from starlette.testclient import TestClient

from linkage_rl.bundle import read_golden
from serving.parity import differences


def test_a_server_answers_as_its_bundle_did_and_any_other_is_found_out(
    client: TestClient, bundle: Path
) -> None:
    golden = read_golden(bundle)
    clients = [{"client_id": one.client_id, **one.fields} for one in golden]
    results = client.post("/invocations", json={"clients": clients}).json()["results"]

    assert differences(golden, results) == []

    results[0] |= {"company_id": "c2"}
    results[1] |= {"confidence": results[1]["confidence"] + 2e-5}
    other_company, other_confidence = differences(golden, results)
    assert "'g1' should get 'link to c1" in other_company
    assert "'g2' should get 'no_match" in other_confidence
    assert differences(golden, results[:1])[0] == "expected 2 results, got 1"
