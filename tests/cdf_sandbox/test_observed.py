"""Answers of the classic APIs as real CDF was seen to give them: values that are empty, times, names and words."""

import pytest

from cdf_sandbox_calls import PNG, items
from local_cdf import PLAIN

GEO = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [10.0, 59.0]}}


def one(answer):
    return answer.raise_for_status().json()["items"][0]


def test_assets_and_data_sets_always_have_metadata(http):
    for path in ("/assets", "/datasets"):
        made = one(http.post(path, json=items({"name": "n"})))
        assert made["metadata"] == {}
        named = items({"id": made["id"]})
        assert one(http.post(f"{path}/byids", json=named))["metadata"] == {}
        assert one(http.post(f"{path}/list", json={}))["metadata"] == {}
        changed = items({"id": made["id"], "update": {"metadata": {"set": {"a": "b"}}}})
        assert one(http.post(f"{path}/update", json=changed))["metadata"] == {"a": "b"}
        emptied = items({"id": made["id"], "update": {"metadata": {"set": {}}}})
        assert one(http.post(f"{path}/update", json=emptied))["metadata"] == {}


def test_empty_values_of_files(http):
    http.post("/labels", json=items({"externalId": "l", "name": "l"})).raise_for_status()
    made = http.post("/files", json={"name": "n", "externalId": "empty"}).raise_for_status().json()
    assert made["labels"] == []
    assert "metadata" not in made
    named = {"externalId": "empty"}
    labelled = one(
        http.post("/files/update", json=items(named | {"update": {"labels": {"add": [{"externalId": "l"}]}}}))
    )
    assert (labelled["labels"], labelled["metadata"]) == ([{"externalId": "l"}], {})
    bare = one(
        http.post("/files/update", json=items(named | {"update": {"labels": {"remove": [{"externalId": "l"}]}}}))
    )
    assert "labels" not in bare
    assert "labels" not in one(http.post("/files/byids", json=items(named)))


def test_what_is_created_empty_has_no_value(http):
    """As what is emptied by a change; answers to the creation of a file have `labels` all the same."""
    empty = {"name": "n", "labels": [], "metadata": {}}
    for path in ("/files", "/files/initmultipartupload?parts=1"):
        made = http.post(path, json=empty).raise_for_status().json()
        assert (made["labels"], "metadata" in made) == ([], False)
        assert {"labels", "metadata"}.isdisjoint(one(http.post("/files/byids", json=items({"id": made["id"]}))))
    data_set = one(http.post("/datasets", json=items({"name": "n", "metadata": {}})))
    assert data_set["metadata"] == {}
    pipeline = {"externalId": "bare", "name": "n", "dataSetId": data_set["id"], "metadata": {}, "contacts": []}
    assert {"metadata", "contacts"}.isdisjoint(one(http.post("/extpipes", json=items(pipeline))))
    made = one(http.post("/assets", json=items(empty)))
    assert (made["metadata"], "labels" in made) == ({}, False)
    assert "metadata" not in one(http.post("/3d/models", json=items({"name": "n", "metadata": {}})))


def test_an_overwritten_file_may_lose_what_it_had(http):
    had = {"name": "n", "externalId": "over", "metadata": {"a": "b"}}
    http.post("/files", json=had).raise_for_status()
    over = http.post("/files?overwrite=true", json=had | {"metadata": {}}).raise_for_status().json()
    assert "metadata" not in over


def test_the_assets_of_a_file_may_be_emptied(http):
    asset = one(http.post("/assets", json=items({"name": "a"})))["id"]
    for number, patch in enumerate(({"set": []}, {"remove": [asset]})):
        named = {"externalId": f"assets-{number}"}
        http.post("/files", json={"name": "n", "assetIds": [asset], **named}).raise_for_status()
        changed = one(http.post("/files/update", json=items(named | {"update": {"assetIds": patch}})))
        assert "assetIds" not in changed


def test_the_metadata_of_a_file_may_be_emptied(http):
    http.post("/files", json={"name": "n", "externalId": "filled", "metadata": {"a": "b"}}).raise_for_status()
    emptied = {"externalId": "filled", "update": {"metadata": {"set": {}}}}
    assert one(http.post("/files/update", json=items(emptied)))["metadata"] == {}


def test_the_limits_of_a_creation_are_not_those_of_a_change(http):
    http.post("/files", json={"name": "n", "externalId": "many"}).raise_for_status()
    labels = [{"externalId": str(number)} for number in range(11)]
    http.post("/labels", json=items(*(label | {"name": "n"} for label in labels))).raise_for_status()

    def added(new):
        return http.post("/files/update", json=items({"externalId": "many", "update": {"labels": {"add": new}}}))

    assert added(labels).status_code == 400, "one change has the limit of a creation"
    assert one(added(labels[:10]))["labels"] == labels[:10]
    assert one(added(labels[10:]))["labels"] == labels


def test_empty_values_of_pipelines(http):
    data_set = one(http.post("/datasets", json=items({"name": "n"})))["id"]
    pipeline = {"externalId": "p", "name": "n", "dataSetId": data_set, "metadata": {"a": "b"}}
    made = one(http.post("/extpipes", json=items(pipeline)))
    assert [made[name] for name in ("lastSuccess", "lastFailure", "lastSeen")] == [0, 0, 0]
    emptied = items({"externalId": "p", "update": {"metadata": {"set": {}}}})
    assert "metadata" not in one(http.post("/extpipes/update", json=emptied))
    http.post(
        "/extpipes/runs", json=items({"externalId": "p", "status": "success", "createdTime": 5})
    ).raise_for_status()
    seen = one(http.post("/extpipes/byids", json=items({"externalId": "p"})))
    assert [seen[name] for name in ("lastSuccess", "lastFailure", "lastSeen")] == [5, 0, 5]


def test_the_last_page_of_annotations_says_so(http):
    file = http.post("/files", json={"name": "n"}).raise_for_status().json()["id"]
    condition = {"annotatedResourceType": "file", "annotatedResourceIds": [{"id": file}]}
    assert http.post("/annotations/list", json={"filter": condition}).json() == {"items": [], "nextCursor": None}


def test_an_upload_keeps_the_time_of_the_last_update(running, http):
    made = http.post("/files", json={"name": "n", "externalId": "uploaded"}).raise_for_status().json()
    running.advance(5)
    PLAIN.put(made["uploadUrl"], content=b".").raise_for_status()
    seen = one(http.post("/files/byids", json=items({"externalId": "uploaded"})))
    assert seen["uploaded"] and seen["uploadedTime"] >= made["lastUpdatedTime"] + 5000
    assert seen["lastUpdatedTime"] == made["lastUpdatedTime"]


def test_a_cognite_file_without_a_name_is_untitled(http):
    http.post("/models/spaces", json=items({"space": "unnamed"})).raise_for_status()
    source = {"type": "view", "space": "cdf_cdm", "externalId": "CogniteFile", "version": "v1"}
    node = {"space": "unnamed", "externalId": "f", "instanceType": "node"}
    sources = [{"source": source, "properties": {"mimeType": "a/b"}}]
    http.post("/models/instances", json=items(node | {"sources": sources})).raise_for_status()
    found = one(http.post("/files/byids", json=items({"instanceId": {"space": "unnamed", "externalId": "f"}})))
    assert found["name"] == "untitled"


def test_the_place_of_an_asset(http):
    made = one(http.post("/assets", json=items({"name": "n", "geoLocation": GEO})))
    assert made["geoLocation"] == GEO
    elsewhere = {**GEO, "properties": {"a": 1}}
    changed = one(
        http.post("/assets/update", json=items({"id": made["id"], "update": {"geoLocation": {"set": elsewhere}}}))
    )
    assert changed["geoLocation"] == elsewhere
    gone = one(
        http.post("/assets/update", json=items({"id": made["id"], "update": {"geoLocation": {"setNull": True}}}))
    )
    assert "geoLocation" not in gone
    assert http.post("/assets", json=items({"name": "n", "geoLocation": {"type": "Point"}})).status_code == 400


@pytest.mark.parametrize(
    ("path", "ids", "external_ids"),
    [
        ("/files/byids", "File ids not found: 1, 2", "Files ids not found: a, b"),
        ("/files/delete", "File ids not found: 1, 2", "Files ids not found: a, b"),
        ("/assets/byids", "Asset id not found", "External id not found"),
        ("/assets/delete", "Asset id not found", "External id not found"),
    ],
)
def test_words_about_unknown_identifiers(http, path, ids, external_ids):
    for words, named in ((ids, [{"id": 1}, {"id": 2}]), (external_ids, [{"externalId": "a"}, {"externalId": "b"}])):
        answer = http.post(path, json=items(*named))
        assert answer.json()["error"] == {"code": 400, "message": words, "missing": named}


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "Point", "coordinates": [1]}, {"type": "Point", "coordinates": [1, 2, 3]},
        {"type": "Point", "coordinates": ["1", "2"]}, {"type": "Point", "coordinates": [[1, 2]]},
        {"type": "LineString", "coordinates": [[1, 2]]}, {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0]]]},
        {"type": "MultiPolygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 0]]]}, {"type": "Circle"},
        {"type": "MultiPoint", "coordinates": []},
    ],
)  # fmt: skip
def test_places_whose_coordinates_do_not_fit_are_refused(http, geometry):
    place = {"geoLocation": {"type": "Feature", "geometry": geometry}}
    assert http.post("/assets", json=items({"name": "n", **place})).status_code == 400
    assert http.post("/files", json={"name": "n", **place}).status_code == 400


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "Point", "coordinates": [1, 2.5]}, {"type": "MultiPoint", "coordinates": [[1, 2.5]]},
        {"type": "LineString", "coordinates": [[1, 2], [3, 4]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 0]]]},
        {"type": "MultiLineString", "coordinates": [[[0, 0], [1, 1]]]},
        {"type": "MultiPolygon", "coordinates": [[[[0, 0], [1, 1], [1, 0], [0, 0]]]]},
    ],
)  # fmt: skip
def test_the_place_of_a_file(http, geometry):
    place = {"type": "Feature", "geometry": geometry, "properties": {"a": 1}}
    made = http.post("/files", json={"name": "n", "geoLocation": place}).raise_for_status().json()
    assert made["geoLocation"] == place
    gone = {"id": made["id"], "update": {"geoLocation": {"setNull": True}}}
    assert "geoLocation" not in one(http.post("/files/update", json=items(gone)))


def _all(acl, action, **scope):
    return {acl: {"actions": [action], "scope": scope or {"all": {}}}}


def test_upload_links_by_the_capabilities_of_data_modeling(running, http):
    http.post("/models/spaces", json=items({"space": "dm_upload"})).raise_for_status()
    source = {"type": "view", "space": "cdf_cdm", "externalId": "CogniteFile", "version": "v1"}
    node = {"space": "dm_upload", "externalId": "f", "instanceType": "node"}
    http.post("/models/instances", json=items(node | {"sources": [{"source": source, "properties": {}}]}))
    wanted = items({"instanceId": {"space": "dm_upload", "externalId": "f"}})
    schema = _all("dataModelsAcl", "READ", spaceIdScope={"spaceIds": ["cdf_cdm"]})
    write = _all("dataModelInstancesAcl", "WRITE", spaceIdScope={"spaceIds": ["dm_upload"]})
    elsewhere = _all("dataModelInstancesAcl", "WRITE", spaceIdScope={"spaceIds": ["other"]})
    for name, grants, status in (
        ("both", [schema, write], 201), ("schema", [schema], 403), ("write", [write], 403),
        ("elsewhere", [schema, elsewhere], 403), ("files", [_all("filesAcl", "WRITE")], 201),
    ):  # fmt: skip
        with running.http(*running.make_client(name, grants)) as session:
            assert session.post("/files/uploadlink", json=wanted).status_code == status, name
            answer = session.post("/files/multiuploadlink?parts=1", json=wanted)
            assert answer.status_code == status, name
            if status == 201:
                upload = answer.json()["items"][0]
                PLAIN.put(upload["uploadUrls"][0], content=b".").raise_for_status()
                ended = wanted["items"][0] | {"uploadId": upload["uploadId"]}
                session.post("/files/completemultipartupload", json=ended).raise_for_status()


def test_files_of_nodes_are_read_by_the_capabilities_of_data_modeling(running, http):
    """Or by `filesAcl`, but for one that is granted for data sets: such a file is in none."""
    http.post("/models/spaces", json=items({"space": "dm_read"})).raise_for_status()
    source = {"type": "view", "space": "cdf_cdm", "externalId": "CogniteFile", "version": "v1"}
    node = {"space": "dm_read", "externalId": "f", "instanceType": "node"}
    http.post("/models/instances", json=items(node | {"sources": [{"source": source, "properties": {}}]}))
    wanted = items({"instanceId": {"space": "dm_read", "externalId": "f"}})
    link = http.post("/files/uploadlink", json=wanted).raise_for_status().json()["items"][0]
    PLAIN.put(link["uploadUrl"], content=PNG).raise_for_status()
    classic = http.post("/files", json={"name": "n"}).raise_for_status().json()["id"]
    schema = _all("dataModelsAcl", "READ", spaceIdScope={"spaceIds": ["cdf_cdm"]})
    read = _all("dataModelInstancesAcl", "READ", spaceIdScope={"spaceIds": ["dm_read"]})
    elsewhere = _all("dataModelInstancesAcl", "READ", spaceIdScope={"spaceIds": ["other"]})
    in_data_sets = _all("filesAcl", "READ", datasetScope={"ids": [7]})
    for name, grants, status in (
        ("both", [schema, read], 200), ("schema", [schema], 403), ("read", [read], 403),
        ("elsewhere", [schema, elsewhere], 403), ("files", [_all("filesAcl", "READ")], 200),
        ("data sets", [in_data_sets], 403), ("both and data sets", [schema, read, in_data_sets], 200),
    ):  # fmt: skip
        with running.http(*running.make_client(f"reads {name}", grants)) as session:
            for answer in (
                session.post("/files/byids", json=wanted), session.post("/files/downloadlink", json=wanted),
                session.get(f"/files/{link['id']}"), session.get(f"/files/icon?id={link['id']}"),
            ):  # fmt: skip
                assert answer.status_code == status, (name, answer.request.url, answer.text)
            assert session.get(f"/files/{classic}").status_code == (200 if name == "files" else 403), name
            assert session.post("/files/list", json={}).status_code == (200 if "filesAcl" in str(grants) else 403), name


def test_multipart_uploads_make_new_classic_files_and_take_no_items(http):
    made = http.post("/files/initmultipartupload?parts=1", json={"name": "n", "externalId": "m"})
    assert "instanceId" not in made.raise_for_status().json()
    assert http.post("/files/initmultipartupload?parts=1", json={"name": "n", "externalId": "m"}).status_code == 409
    answer = http.post("/files/initmultipartupload?parts=1", json=items({"externalId": "f"}))
    assert answer.status_code == 400
    assert "Unexpected field - items" in answer.json()["error"]["message"]


def test_files_and_assets_by_where_they_lie(http):
    http.post("/assets", json=items({"name": "placed", "geoLocation": GEO}, {"name": "nowhere"})).raise_for_status()
    http.post("/files", json={"name": "placed", "source": "geo", "geoLocation": GEO}).raise_for_status()
    http.post("/files", json={"name": "nowhere", "source": "geo"}).raise_for_status()
    square = {"type": "Polygon", "coordinates": [[[9, 58], [11, 58], [11, 60], [9, 60], [9, 58]]]}
    for relation, shape, found in (
        ("WITHIN", square, 1), ("INTERSECTS", square, 1), ("DISJOINT", square, 0),
        ("DISJOINT", {"type": "Point", "coordinates": [10.5, 59]}, 1),
    ):  # fmt: skip
        wanted = {"geoLocation": {"relation": relation, "shape": shape}}
        for path, own in (("/files", {"source": "geo"}), ("/assets", {"name": "placed"})):
            listed, searched = (http.post(f"{path}/{way}", json={"filter": wanted | own}) for way in ("list", "search"))
            assert [len(one.raise_for_status().json()["items"]) for one in (listed, searched)] == [found] * 2
            assert one_count(http.post(f"{path}/aggregate", json={"filter": wanted | own})) == found
    for wrong in ({"relation": "intersects", "shape": square}, {"relation": "WITHIN"}, {"shape": square}, {},
                  {"relation": "WITHIN", "shape": {"type": "MultiPoint", "coordinates": [[1, 2]]}}):  # fmt: skip
        for path in ("/files", "/assets"):
            assert http.post(f"{path}/list", json={"filter": {"geoLocation": wrong}}).status_code == 400


def one_count(answer):
    return one(answer)["count"]
