"""Extraction pipelines and their runs through the SDK."""

import pytest
from cognite.client.data_classes import (
    DataSetWrite,
    ExtractionPipelineContact,
    ExtractionPipelineRunWrite,
    ExtractionPipelineUpdate,
    ExtractionPipelineWrite,
)
from cognite.client.exceptions import CogniteAPIError, CogniteDuplicatedError


@pytest.fixture(scope="module")
def pipeline(running):
    client = running.client()
    data_set = client.data_sets.create(DataSetWrite(name="captures"))
    return client.extraction_pipelines.create(
        ExtractionPipelineWrite(
            external_id="captures",
            name="Captures",
            data_set_id=data_set.id,
            schedule="@daily",
            contacts=[ExtractionPipelineContact(name="A", email="a@b.example", role="owner", send_notification=True)],
        )
    )


def test_life(client, pipeline):
    assert client.extraction_pipelines.retrieve(external_id="captures") == pipeline
    assert client.extraction_pipelines.retrieve(id=pipeline.id) == pipeline
    assert [p.id for p in client.extraction_pipelines.list()] == [pipeline.id]
    changed = client.extraction_pipelines.update(
        ExtractionPipelineUpdate(id=pipeline.id).description.set("d").metadata.add({"a": "b"})
    )
    assert (changed.description, changed.metadata) == ("d", {"a": "b"})
    with pytest.raises(CogniteDuplicatedError):
        client.extraction_pipelines.create(
            ExtractionPipelineWrite(external_id="captures", name="x", data_set_id=pipeline.data_set_id)
        )


def test_runs(client, pipeline):
    for number, status in enumerate(["seen", "failure", "success"]):
        run = ExtractionPipelineRunWrite(
            extpipe_external_id="captures", status=status, message=f"run {number}", created_time=1000 + number
        )
        assert client.extraction_pipelines.runs.create(run).status == status
    runs = client.extraction_pipelines.runs.list(external_id="captures", limit=None)
    assert [run.message for run in runs] == ["run 2", "run 1", "run 0"]
    assert [r.status for r in client.extraction_pipelines.runs.list(external_id="captures", statuses="failure")] == [
        "failure"
    ]
    found = client.extraction_pipelines.runs.list(external_id="captures", message_substring="RUN 1")
    assert [run.message for run in found] == ["run 1"]
    seen = client.extraction_pipelines.retrieve(external_id="captures")
    assert (seen.last_success, seen.last_failure, seen.last_seen, seen.last_message) == (1002, 1001, 1002, "run 1")


def test_run_pages(http, pipeline):
    for number in range(5):
        http.post(
            "/extpipes/runs", json={"items": [{"externalId": "captures", "status": "seen", "createdTime": number}]}
        )
    first = http.post("/extpipes/runs/list", json={"filter": {"externalId": "captures"}, "limit": 3}).json()
    second = http.post(
        "/extpipes/runs/list",
        json={"filter": {"externalId": "captures"}, "limit": 1000, "cursor": first["nextCursor"]},
    ).json()
    ids = [run["id"] for run in first["items"] + second["items"]]
    assert len(ids) == len(set(ids)) >= 5
    assert "nextCursor" not in second


def test_delete_takes_the_runs(client, pipeline):
    other = client.extraction_pipelines.create(
        ExtractionPipelineWrite(external_id="other", name="Other", data_set_id=pipeline.data_set_id)
    )
    client.extraction_pipelines.runs.create(ExtractionPipelineRunWrite(extpipe_external_id="other", status="seen"))
    client.extraction_pipelines.delete(id=other.id)
    with pytest.raises(CogniteAPIError):
        client.extraction_pipelines.runs.list(external_id="other")


def test_pipelines_by_each_field_of_the_filter(http):
    data_set = http.post("/datasets", json={"items": [{"name": "filtered"}]}).json()["items"][0]["id"]
    fields = {
        "description": "d", "schedule": "On trigger", "documentation": "doc", "source": "s",
        "contacts": [{"name": "A", "email": "a@b.example"}, {"name": "B"}],
        "rawTables": [{"dbName": "d", "tableName": "t"}],
    }  # fmt: skip
    pipelines = [{"externalId": "full", "name": "full", **fields}, {"externalId": "bare", "name": "bare"}]
    body = {"items": [each | {"dataSetId": data_set} for each in pipelines]}
    http.post("/extpipes", json=body).raise_for_status()

    def found(**condition):
        condition |= {"dataSetIds": [{"id": data_set}]}
        answer = http.post("/extpipes/list", json={"filter": condition}).raise_for_status()
        return [each["externalId"] for each in answer.json()["items"]]

    for name, value in fields.items():
        assert found(**{name: value}) == ["full"], name
    assert found(contacts=[{"name": "B"}]) == ["full"]
    assert found(contacts=[{"name": "B", "email": "a@b.example"}]) == []
    assert found(rawTables=[{"dbName": "d", "tableName": "other"}]) == []
    assert len(found(contacts=[])) == 2


def test_null_takes_a_value_away(http):
    data_set = http.post("/datasets", json={"items": [{"name": "emptied"}]}).json()["items"][0]["id"]
    full = {
        "externalId": "emptied", "name": "n", "dataSetId": data_set, "description": "d", "schedule": "On trigger",
        "source": "s", "documentation": "doc", "rawTables": [{"dbName": "d", "tableName": "t"}], "metadata": {"a": "b"},
    }  # fmt: skip
    http.post("/extpipes", json={"items": [full]}).raise_for_status()
    for name in full.keys() - {"externalId", "name", "dataSetId"}:
        body = {"items": [{"externalId": "emptied", "update": {name: {"set": None}}}]}
        (changed,) = http.post("/extpipes/update", json=body).raise_for_status().json()["items"]
        assert name not in changed
    body = {"items": [{"externalId": "emptied", "update": {"name": {"set": None}}}]}
    assert http.post("/extpipes/update", json=body).status_code == 400
