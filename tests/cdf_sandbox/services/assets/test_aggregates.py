"""Aggregates of assets by the SDK: counts, values of properties and keys of the metadata."""

import pytest
from cognite.client.data_classes import AssetWrite, LabelDefinitionWrite, aggregations
from cognite.client.data_classes import filters as advanced
from cognite.client.data_classes.assets import AssetProperty


@pytest.fixture(scope="module")
def client(running):
    client = running.client()
    client.labels.create([LabelDefinitionWrite("Pump", "Pump"), LabelDefinitionWrite("valve", "valve")])
    both, three = ["Pump", "valve"], {"a": "1", "b": "1", "c": "2"}
    client.assets.create(
        [
            AssetWrite(name="P-1", external_id="1", source="SAP", metadata=three, labels=both[:1]),
            AssetWrite(name="P-2", external_id="2", source="sap", metadata={"a": "2", "c": "2"}, labels=both),
            AssetWrite(name="p-1", external_id="3", source="other", metadata={"c": "2", "D": "X"}),
            AssetWrite(name="V", external_id="4", metadata={"a": "3", "D": "x"}, description="critical"),
        ]
    )  # fmt: skip
    return client


def unique(found):
    return [(each.values, each.count) for each in found]


def test_counts(client):
    assert client.assets.aggregate_count() == 4
    assert client.assets.aggregate_count(AssetProperty.source) == 3
    assert client.assets.aggregate_count(AssetProperty.metadata_key("a")) == 3
    assert client.assets.aggregate_count(AssetProperty.labels) == 2
    assert client.assets.aggregate_count(filter={"name": "P-1"}) == 1


def test_values_of_a_text_without_regard_to_case(client):
    assert unique(client.assets.aggregate_unique_values(AssetProperty.source)) == [(["sap"], 2), (["other"], 1)]
    assert client.assets.aggregate_cardinality_values(AssetProperty.source) == 2
    assert client.assets.aggregate_cardinality_values(AssetProperty.name) == 3


def test_values_of_labels_and_metadata(client):
    assert unique(client.assets.aggregate_unique_values(AssetProperty.labels)) == [
        ([{"externalId": "Pump"}], 2), ([{"externalId": "valve"}], 1)
    ]  # fmt: skip
    found = client.assets.aggregate_unique_values(AssetProperty.metadata_key("a"))
    assert unique(found) == [(["1"], 1), (["2"], 1), (["3"], 1)]
    assert unique(client.assets.aggregate_unique_values(AssetProperty.metadata)) == [
        (["2"], 4), (["1"], 2), (["x"], 2), (["3"], 1)
    ]  # fmt: skip


def test_keys_of_the_metadata(client):
    found = client.assets.aggregate_unique_properties(AssetProperty.metadata)
    assert [(each.values[0]["property"], each.count) for each in found] == [
        (["metadata", "a"], 3), (["metadata", "c"], 3), (["metadata", "d"], 2), (["metadata", "b"], 1)
    ]  # fmt: skip
    assert client.assets.aggregate_cardinality_properties(AssetProperty.metadata) == 4


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        (aggregations.Prefix("S"), ["sap"]), (aggregations.In(["SAP", "x"]), ["sap"]),
        (aggregations.Not(aggregations.Prefix("s")), ["other"]), (aggregations.Range(gte="p"), ["sap"]),
        (aggregations.Range(gt=1), []),
        (aggregations.And(aggregations.Prefix("o"), aggregations.In(["sap"])), []),
        (aggregations.Or(aggregations.Prefix("o"), aggregations.In(["sap"])), ["sap", "other"]),
    ],
)  # fmt: skip
def test_filters_of_what_is_answered(client, condition, found):
    assert client.assets.aggregate_unique_values(AssetProperty.source, aggregate_filter=condition).unique == found
    assert client.assets.aggregate_cardinality_values(AssetProperty.source, aggregate_filter=condition) == len(found)


def test_filters_of_the_assets(client):
    critical = advanced.Search(AssetProperty.description, "critical")
    assert client.assets.aggregate_unique_values(AssetProperty.metadata_key("a"), critical).unique == ["3"]
    narrow = client.assets.aggregate_unique_values(AssetProperty.name, filter={"source": "SAP"})
    assert narrow.unique == ["p-1"]


PROPERTY = {"properties": [{"property": ["name"]}]}


@pytest.mark.parametrize(
    "body",
    [
        {"aggregate": "approximateCardinality"}, {"aggregate": "uniqueValues"}, {"aggregate": "cardinalityValues"},
        {"aggregate": "uniqueProperties"}, {"aggregate": "uniqueProperties", "path": ["name"]},
        {"aggregate": "uniqueProperties", "path": []}, {"aggregate": "count", "path": ["metadata"]},
        {"aggregate": "uniqueProperties", "path": ["metadata"], **PROPERTY},
        {"aggregate": "uniqueValues", "properties": []},
        {"aggregate": "uniqueValues", "properties": PROPERTY["properties"] * 2},
        {"aggregate": "uniqueValues", "properties": [{"property": ["nothing"]}]},
        {"aggregate": "count", "aggregateFilter": {"prefix": {"value": "a"}}},
        {"aggregate": "uniqueValues", **PROPERTY, "aggregateFilter": {}},
        {"aggregate": "uniqueValues", **PROPERTY, "aggregateFilter": {"equals": {"value": "a"}}},
        {"aggregate": "uniqueValues", **PROPERTY, "aggregateFilter": {"and": [{"prefix": {"value": "a"}}] * 100}},
        {"aggregate": "uniqueValues", **PROPERTY, "aggregateFilter": {"range": {}}},
        {"aggregate": "uniqueValues", **PROPERTY, "limit": 5},
    ],
)  # fmt: skip
def test_aggregates_that_are_refused(http, body):
    answer = http.post("/assets/aggregate", json=body)
    assert answer.status_code == 400, answer.text
