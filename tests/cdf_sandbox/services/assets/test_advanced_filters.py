"""`advancedFilter` and `sort` of assets, through the SDK where it can say so."""

import pytest
from cognite.client.data_classes import AssetWrite, Label, filters
from cognite.client.data_classes.assets import AssetProperty, AssetSort
from cognite.client.data_classes.assets import SortableAssetProperty as S

NAME, DESCRIPTION, LABELS = AssetProperty.name, AssetProperty.description, AssetProperty.labels
ZONE = AssetProperty.metadata_key("zone")


@pytest.fixture(scope="module")
def client(running):
    client = running.client()
    labels = [[], ["a"], ["a", "b"], ["b"]]
    plant = [
        AssetWrite(name="pump", external_id="p0", source="sap", metadata={"zone": "north", "a": "1"}),
        AssetWrite(name="pump valve", external_id="p1", description="Valve of the pump", metadata={"zone": "south"}),
        AssetWrite(name="tank", external_id="p2", description="", source="sap"),
        AssetWrite(name="Pump", external_id="p3", metadata={"other": "north"}),
    ]
    with running.http() as http:
        http.post("/labels", json={"items": [{"externalId": each, "name": each} for each in "ab"]})
    for asset, own in zip(plant, labels, strict=True):
        asset.labels = [Label(each) for each in own]
    client.assets.create(plant)
    return client


def found(client, condition, **more):
    return [asset.external_id for asset in client.assets.list(advanced_filter=condition, limit=None, **more)]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (filters.Equals(NAME, "pump"), ["p0"]),
        (filters.In(NAME, ["pump", "tank"]), ["p0", "p2"]),
        (filters.Prefix(NAME, "pump"), ["p0", "p1"]),
        (filters.Range(NAME, gte="pump", lt="tank"), ["p0", "p1"]),
        (filters.Range(AssetProperty.created_time, gt=1), ["p0", "p1", "p2", "p3"]),
        (filters.Range(AssetProperty.created_time, lte=1), []),
        (filters.Exists(DESCRIPTION), ["p1", "p2"]),
        (filters.Not(filters.Exists(DESCRIPTION)), ["p0", "p3"]),
        (filters.Not(filters.Equals(AssetProperty.source, "sap")), ["p1", "p3"]),
        (filters.Equals(ZONE, "north"), ["p0"]),
        (filters.Range(ZONE, gt="n", lte="north"), ["p0"]),
        (filters.Equals(AssetProperty.metadata, "north"), ["p0", "p3"]),
        (filters.Range(AssetProperty.metadata, gt="0", lt="2"), ["p0"]),
        (filters.Exists(AssetProperty.metadata), ["p0", "p1", "p3"]),
        (filters.Exists(LABELS), ["p1", "p2", "p3"]),
        (filters.ContainsAny(LABELS, ["a", "c"]), ["p1", "p2"]),
        (filters.ContainsAll(LABELS, ["a", "b"]), ["p2"]),
        (filters.Search(DESCRIPTION, "valve tower"), ["p1"]),
        (filters.And(filters.Prefix(NAME, "pump"), filters.Not(filters.Exists(DESCRIPTION))), ["p0"]),
        (filters.Or(filters.Equals(NAME, "tank"), filters.Equals(ZONE, "south")), ["p1", "p2"]),
        (filters.Not(filters.Or(filters.Exists(DESCRIPTION), filters.Exists(ZONE))), ["p3"]),
    ],
    ids=lambda part: str(part)[:40],
)
def test_conditions(client, condition, expected):
    assert sorted(found(client, condition)) == expected
    assert client.assets.aggregate_count(advanced_filter=condition) == len(expected)


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ([S.name], ["p3", "p0", "p1", "p2"]),
        ([(S.name, "desc")], ["p2", "p1", "p0", "p3"]),
        ([S.metadata_key("zone"), S.name], ["p0", "p1", "p3", "p2"]),
        ([(S.metadata_key("zone"), "desc"), S.name], ["p3", "p2", "p1", "p0"]),
        ([(S.description, "asc", "first"), (S.name, "asc")], ["p3", "p0", "p2", "p1"]),
        ([(S.description, "desc", "last"), (S.name, "asc")], ["p1", "p2", "p3", "p0"]),
    ],
)  # fmt: skip
def test_orders_and_their_pages(running, client, sort, expected):
    assert found(client, filters.Exists(NAME), sort=[AssetSort.load(each) for each in sort]) == expected
    body = {"sort": [AssetSort.load(each).dump() for each in sort], "limit": 1}
    seen = []
    with running.http() as http:
        while True:
            page = http.post("/assets/list", json=body).raise_for_status().json()
            seen += [item["externalId"] for item in page["items"]]
            if "nextCursor" not in page:
                break
            body["cursor"] = page["nextCursor"]
    assert seen == expected


def test_what_matches_more_comes_first(client, http):
    either = filters.Or(filters.Equals(NAME, "pump"), filters.Prefix(NAME, "pump"))
    body = {"advancedFilter": either.dump(camel_case_property=True), "sort": [{"property": ["_score_"]}]}
    answer = http.post("/assets/list", json=body).raise_for_status()
    assert [item["externalId"] for item in answer.json()["items"]] == ["p0", "p1"]
    assert found(client, either, sort=[(S.score, "asc")]) == ["p1", "p0"]
    searches = filters.Or(filters.Search(DESCRIPTION, "pump"), filters.Search(NAME, "pump"))
    assert found(client, searches)[0] == "p1"


@pytest.mark.parametrize(
    ("leaf", "expected"),
    [
        ({"equals": {"property": ["id"], "value": 10**30}}, 0),
        ({"in": {"property": ["id"], "values": [10**30, -(10**30)]}}, 0),
        ({"range": {"property": ["id"], "gt": -(2**63) - 1, "lt": 2**63}}, 4),
    ],
)
def test_numbers_of_any_size_are_compared(client, http, leaf, expected):
    answer = http.post("/assets/list", json={"advancedFilter": leaf, "sort": [{"property": ["_score_"]}]})
    assert len(answer.raise_for_status().json()["items"]) == expected


EQUALS = {"equals": {"property": ["name"], "value": "a"}}


def _nested(depth):
    condition = EQUALS
    for _ in range(depth - 1):
        condition = {"not": condition}
    return condition


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "exactly one"),
        (EQUALS | {"exists": {"property": ["name"]}}, "exactly one"),
        ({"and": []}, "at least 1"),
        (_nested(11), "11 levels deep"),
        ({"or": [EQUALS] * 100}, "101 clauses"),
        ({"or": [{"search": {"property": ["name"], "value": "a"}}] * 3}, "more than 2 search"),
        ({"equals": {"property": ["weight"], "value": 1}}, "unknown property"),
        ({"equals": {"property": ["name", "a"], "value": "a"}}, "unknown property"),
        ({"equals": {"property": ["name"], "value": 5}}, "compared with a text"),
        ({"equals": {"property": ["id"], "value": "5"}}, "compared with a number"),
        ({"equals": {"property": ["labels"], "value": "a"}}, "cannot be used"),
        ({"containsAny": {"property": ["name"], "values": ["a"]}}, "cannot be used"),
        ({"in": {"property": ["name"], "values": []}}, "at least 1"),
        ({"in": {"property": ["name"], "values": ["a"] * 101}}, "at most 100"),
        ({"prefix": {"property": ["id"], "value": "1"}}, "cannot be used"),
        ({"range": {"property": ["id"]}}, "one of gt and gte"),
        ({"range": {"property": ["id"], "gt": 1, "gte": 1}}, "one of gt and gte"),
        ({"search": {"property": ["source"], "value": "a"}}, "cannot be used"),
        ({"search": {"property": ["name"], "value": " "}}, "not blank"),
        ({"search": {"property": ["name"], "value": "a" * 129}}, "at most 128"),
        ({"equals": {"property": ["name"], "value": "a" * 256}}, "at most 255"),
        ({"overlaps": {"property": ["id"]}}, "Unexpected field"),
    ],
)
def test_filters_that_are_refused(http, body, words):
    answer = http.post("/assets/list", json={"advancedFilter": body})
    assert answer.status_code == 400
    assert words in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "sort",
    [
        [], [{"property": ["parentId"]}], [{"property": ["metadata"]}], [{"property": ["name"], "order": "up"}],
        [{"property": ["_score_"]}], [{"property": ["name"]}] * 3,
    ],
)  # fmt: skip
def test_orders_that_are_refused(http, sort):
    assert http.post("/assets/list", json={"sort": sort}).status_code == 400


@pytest.mark.parametrize(
    "cursor",
    ["x", "WzFd", "W1sxXSwxXQ", "MQ", "WzAsMTAwMDAwMDAwMDAwMDAwMDAwMDAwLDFd", "WzAsIlx1ZDgwMCIsMV0"],
)
def test_foreign_cursors_are_refused(http, cursor):
    body = {"sort": [{"property": ["name"]}], "cursor": cursor}
    assert http.post("/assets/list", json=body).status_code == 400
