"""Labels: definitions, and what carries them."""

import pytest
from cognite.client.data_classes import AssetWrite, Label, LabelDefinitionWrite

from cdf_sandbox_calls import items


def test_labels_by_the_sdk(client):
    made = client.labels.create([LabelDefinitionWrite("sdk-a", "A", "first"), LabelDefinitionWrite("sdk-b", "B")])
    assert [(label.external_id, label.name, label.description) for label in made] == [
        ("sdk-a", "A", "first"), ("sdk-b", "B", None)
    ]  # fmt: skip
    assert [label.external_id for label in client.labels.list(external_id_prefix="sdk-", name="B")] == ["sdk-b"]
    assert client.labels.retrieve("sdk-a").name == "A"
    asset = client.assets.create(AssetWrite("n", labels=[Label("sdk-a")]))
    client.labels.delete(["sdk-a", "sdk-b"])
    assert len(client.labels.list(external_id_prefix="sdk-")) == 0
    asset.description = "it keeps the label whose definition is gone"
    assert client.assets.update(asset).labels == [Label("sdk-a")]


def test_labels_are_changed_and_found_again(http):
    http.post("/labels", json=items({"externalId": "l", "name": "n"})).raise_for_status()
    change = {"externalId": "l", "update": {"name": {"set": "m"}, "description": {"set": "d"}}}
    (shown,) = http.post("/labels/update", json=items(change)).raise_for_status().json()["items"]
    assert shown == {"externalId": "l", "name": "m", "description": "d", "createdTime": shown["createdTime"]}
    assert http.post("/labels/byids", json=items({"externalId": "l"})).json()["items"] == [shown]
    for path, body in (("/labels", {"name": "n"}), ("/labels/delete", {})):
        refused = http.post(path, json=items({"externalId": "l", **body}, {"externalId": "l", **body}))
        assert refused.status_code == 409
    missing = http.post("/labels/byids", json=items({"externalId": "l"}, {"externalId": "x"}))
    assert (missing.status_code, missing.json()["error"]["missing"]) == (400, [{"externalId": "x"}])


LABEL = {"labels": [{"externalId": "undefined"}]}
UNDEFINED = [
    ("/assets", items({"name": "n", **LABEL})),
    ("/assets/update", items({"externalId": "bare", "update": {"labels": {"add": LABEL["labels"]}}})),
    ("/files", {"name": "n", **LABEL}),
    ("/files?overwrite=true", {"name": "n", "externalId": "bare", **LABEL}),
    ("/files/initmultipartupload?parts=1", {"name": "n", **LABEL}),
    ("/files/update", items({"externalId": "bare", "update": {"labels": {"set": LABEL["labels"]}}})),
]


@pytest.mark.parametrize(("path", "body"), UNDEFINED, ids=lambda part: part if isinstance(part, str) else "")
def test_a_label_that_is_not_defined_is_refused(start_sandbox, path, body):
    with start_sandbox() as strict, strict.http() as http:
        _bare(http)
        answer = http.post(path, json=body)
        assert answer.status_code == 400
        assert answer.json()["error"]["missing"] == [{"externalId": "undefined"}]


def test_labels_need_no_definition_where_that_is_assumed(start_sandbox):
    with start_sandbox(labels_must_exist=False) as loose, loose.http() as http:
        _bare(http)
        for path, body in UNDEFINED:
            http.post(path, json=body).raise_for_status()


def _bare(http):
    http.post("/assets", json=items({"name": "n", "externalId": "bare"})).raise_for_status()
    http.post("/files", json={"name": "n", "externalId": "bare"}).raise_for_status()
