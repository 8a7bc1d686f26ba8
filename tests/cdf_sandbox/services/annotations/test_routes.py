"""Annotations: both paths of creation, strict data, no uniqueness."""

import copy

import pytest
from cognite.client.data_classes import (
    AnnotationFilter,
    AnnotationReverseLookupFilter,
    AnnotationUpdate,
    AnnotationWrite,
    AssetWrite,
)
from cognite.client.exceptions import CogniteAPIError

REGION = {"xMin": 0.1, "xMax": 0.4, "yMin": 0.2, "yMax": 0.3}
LINK = {"text": "P-1", "textRegion": REGION, "assetRef": {"externalId": "P-1"}}
INSTANCE_LINK = {
    "text": "P-1",
    "textRegion": REGION,
    "instanceRef": {
        "space": "plant",
        "externalId": "P-1",
        "instanceType": "node",
        "sources": [{"type": "view", "space": "cdf_cdm", "externalId": "CogniteAsset", "version": "v1"}],
    },
}


@pytest.fixture(scope="module")
def face(running):
    client = running.client()
    client.assets.create(AssetWrite(name="P-1", external_id="P-1"))
    return client.files.upload_bytes(b".", name="front.jpg", external_id="front")


@pytest.fixture
def new_face(client):
    return client.files.upload_bytes(b".", name="front.jpg")


def write(face, data=LINK, kind="images.AssetLink", status="suggested", app="capture360"):
    return AnnotationWrite(
        annotation_type=kind,
        data=data,
        status=status,
        creating_app=app,
        creating_app_version="1.0.0",
        creating_user=None,
        annotated_resource_type="file",
        annotated_resource_id=face.id,
    )


def on(face, **more):
    return AnnotationFilter(annotated_resource_type="file", annotated_resource_ids=[{"id": face.id}], **more)


def body_of(face, **changes):
    item = {
        "annotatedResourceType": "file",
        "annotatedResourceId": face.id,
        "annotationType": "images.AssetLink",
        "data": copy.deepcopy(LINK),
        "status": "approved",
        "creatingApp": "a",
        "creatingAppVersion": "1.2.3",
        "creatingUser": None,
    }
    return {"items": [item | changes]}


def test_life(client, new_face, face):
    made = client.annotations.create(write(new_face))
    assert made.status == "suggested"
    assert made.data == LINK
    assert client.annotations.retrieve(made.id) == made
    assert client.annotations.retrieve_multiple([made.id])[0] == made
    approved = client.annotations.update(AnnotationUpdate(id=made.id).status.set("approved"))
    assert (approved.status, approved.data) == ("approved", LINK)
    assert [a.id for a in client.annotations.list(on(new_face, status="approved"))] == [made.id]
    assert not client.annotations.list(on(new_face, status="suggested"))
    client.annotations.delete(made.id)
    assert not client.annotations.list(on(new_face))
    assert client.annotations.retrieve(made.id) is None


def test_duplicates_are_allowed(client, new_face):
    client.annotations.create([write(new_face), write(new_face)])
    client.annotations.create(write(new_face))
    assert len(client.annotations.list(on(new_face), limit=None)) == 3


def test_suggest_and_filters(client, new_face, face):
    client.annotations.suggest(write(new_face, kind="images.InstanceLink", data=INSTANCE_LINK, app="x"))
    client.annotations.create(
        write(new_face, kind="images.TextRegion", data={"text": "t", "textRegion": REGION, "confidence": 0.5})
    )
    assert len(client.annotations.list(on(new_face))) == 2
    found = client.annotations.list(on(new_face, creating_app="x"))
    assert [a.annotation_type for a in found] == ["images.InstanceLink"]
    ref = {"instanceRef": {"externalId": "P-1"}}
    assert len(client.annotations.list(on(new_face, data=ref))) == 1
    assert not client.annotations.list(on(new_face, data={"instanceRef": {"externalId": "P-2"}}))


def test_reverse_lookup_names_each_file_once(client, new_face, face):
    client.annotations.create([write(new_face), write(new_face), write(face)])
    found = client.annotations.reverse_lookup(
        AnnotationReverseLookupFilter(
            "file", annotation_type="images.AssetLink", data={"assetRef": {"externalId": "P-1"}}
        ),
        limit=None,
    )
    ids = [reference.id for reference in found]
    assert {new_face.id, face.id} <= set(ids)
    assert len(ids) == len(set(ids))


def test_annotations_go_with_their_file(client, new_face):
    made = client.annotations.create(write(new_face))
    client.files.delete(id=new_face.id)
    assert client.annotations.retrieve(made.id) is None


def test_both_paths_without_redirect(http, new_face, face):
    for path in ("/annotations", "/annotations/"):
        assert http.post(path, json=body_of(new_face)).status_code == 201


def test_paging(http, client, new_face, face):
    client.annotations.create([write(new_face) for _ in range(7)])
    body = {
        "filter": {"annotatedResourceType": "file", "annotatedResourceIds": [{"id": new_face.id}]},
        "limit": 3,
    }
    sizes, cursor = [], None
    while True:
        page = http.post("/annotations/list", json=body | ({"cursor": cursor} if cursor else {})).json()
        sizes.append(len(page["items"]))
        cursor = page.get("nextCursor")
        if cursor is None:
            break
    assert sizes == [3, 3, 1]


GEOMETRY = {"boundingBox": REGION}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"data": LINK | {"text": "x" * 129}}, "128"),
        ({"data": LINK | {"text": ""}}, "text"),
        ({"data": LINK | {"extra": 1}}, "extra"),
        ({"data": LINK | {"confidence": 1.5}}, "confidence"),
        ({"data": LINK | {"textRegion": REGION | {"xMin": 0.4}}}, "xMin must be less"),
        ({"data": LINK | {"textRegion": REGION | {"yMax": 1.01}}}, "yMax"),
        ({"data": LINK | {"textRegion": REGION | {"yMax": "0.5"}}}, "yMax"),
        ({"data": LINK | {"assetRef": {"id": 1, "externalId": "P-1"}}}, "exactly one"),
        ({"data": LINK | {"assetRef": {}}}, "exactly one"),
        ({"data": LINK | {"objectRegion": {}}}, "exactly one of boundingBox"),
        ({"data": LINK | {"objectRegion": GEOMETRY | {"polyline": {"vertices": []}}}}, "vertices"),
        ({"data": LINK | {"objectRegion": {"polygon": {"vertices": [{"x": 0, "y": 0}] * 2}}}}, "at least 3"),
        ({"data": INSTANCE_LINK}, "assetRef"),
        ({"annotationType": "images.InstanceLink"}, "instanceRef"),
        ({"annotationType": "images.Nothing"}, "annotationType"),
        ({"status": "done"}, "status"),
        ({"creatingAppVersion": "latest"}, "creatingAppVersion"),
        ({"creatingApp": ""}, "creatingApp"),
        ({"annotatedResourceType": "node"}, "annotatedResourceType"),
        ({"annotatedResourceId": 17}, "File ids not found"),
        ({"unknown": 1}, "Unexpected field"),
    ],
)
def test_one_bad_item_fails_the_request(http, client, new_face, face, changes, said):
    body = body_of(new_face)
    body["items"].append(body["items"][0] | changes)
    answer = http.post("/annotations", json=body)
    assert answer.status_code == 400, answer.text
    assert said in answer.json()["error"]["message"]
    assert not client.annotations.list(on(new_face))


def test_required_keys(http, new_face):
    for key in body_of(new_face)["items"][0]:
        body = body_of(new_face)
        del body["items"][0][key]
        answer = http.post("/annotations", json=body)
        assert answer.status_code == 400
        assert key in answer.json()["error"]["message"]


def test_a_status_for_data_that_does_not_fit_is_refused(client, new_face, face):
    made = client.annotations.create(write(new_face))
    with pytest.raises(CogniteAPIError, match="instanceRef"):
        client.annotations.update(AnnotationUpdate(id=made.id).annotation_type.set("images.InstanceLink"))


def test_the_asset_of_a_link_need_not_exist(http, new_face):
    for asset in ({"id": 17}, {"externalId": "nobody"}):
        body = body_of(new_face)
        body["items"][0] |= {"data": LINK | {"assetRef": asset}}
        answer = http.post("/annotations", json=body)
        assert answer.status_code == 201, answer.text
        assert answer.json()["items"][0]["data"]["assetRef"] == asset


PAGE = {"pageNumber": 7}
OTHER_TYPES = {
    "diagrams.FileLink": {"fileRef": {"externalId": "abc"}, "textRegion": REGION, **PAGE},
    "diagrams.AssetLink": {"assetRef": {"externalId": "abc"}, "textRegion": REGION, "symbol": "pump", **PAGE},
    "diagrams.InstanceLink": {**INSTANCE_LINK, **PAGE},
    "diagrams.Junction": {"position": {"x": 0.5, "y": 0.5}, **PAGE},
    "diagrams.Line": {"label": "pipe", "polyline": {"vertices": [{"x": 0, "y": 0}, {"x": 1, "y": 1}]}, **PAGE},
    "diagrams.UnhandledSymbolObject": {"symbol": "pump", "symbolRegion": REGION, **PAGE},
    "diagrams.UnhandledTextObject": {"text": "P", "textRegion": REGION, **PAGE},
    "documents.ExtractedText": {"extractedText": "i am your father", "textRegion": REGION, **PAGE},
    "forms.Detection": {"boundingBox": REGION, "fieldName": "pressure", "value": "10", "unit": "bar", **PAGE},
    "images.KeypointCollection": {"label": "gauge", "keypoints": {"end": {"point": {"x": 0.5, "y": 0.5}}}},
}


@pytest.mark.parametrize("kind", OTHER_TYPES)
def test_the_types_of_diagrams_documents_and_forms(http, new_face, kind):
    data = OTHER_TYPES[kind]

    def create(given):
        body = body_of(new_face, annotationType=kind, data=given)
        return http.post("/annotations", json=body)

    (made,) = create(data).raise_for_status().json()["items"]
    assert (made["annotationType"], made["data"]) == (kind, data)
    for name in data.keys() - PAGE.keys() - {"symbol", "unit"}:
        assert create({key: value for key, value in data.items() if key != name}).status_code == 400, name
    assert create(data | {"unknown": 1}).status_code == 400
    assert "pageNumber" not in data or create(data | {"pageNumber": 0}).status_code == 400


def test_reverse_lookup_shows_files_to_those_who_may_read_them(running, client, http, face):
    http.post("/models/spaces", json={"items": [{"space": "reverse"}]}).raise_for_status()
    source = {"type": "view", "space": "cdf_cdm", "externalId": "CogniteFile", "version": "v1"}
    node = {"instanceType": "node", "space": "reverse", "externalId": "f"}
    sources = [{"source": source, "properties": {"name": "f"}}]
    http.post("/models/instances", json={"items": [node | {"sources": sources}]}).raise_for_status()
    named = {"items": [{"instanceId": {"space": "reverse", "externalId": "f"}}]}
    own = http.post("/files/byids", json=named).raise_for_status().json()["items"][0]["id"]
    asset = {"externalId": "reversed"}
    body = body_of(face, annotatedResourceId=own, data=LINK | {"assetRef": asset})
    http.post("/annotations", json=body).raise_for_status()
    condition = {
        "annotatedResourceType": "file", "annotationType": "images.AssetLink",
        "data": {"assetRef": {**asset, "id": None}, "text": None},
    }  # fmt: skip
    wanted = {"filter": condition}

    def of(name, *acls):
        grants = [{"annotationsAcl": {"actions": ["READ"], "scope": {"all": {}}}}]
        grants += [{acl: {"actions": ["READ"], "scope": scope}} for acl, scope in acls]
        with running.http(*running.make_client(name, grants)) as session:
            found = session.post("/annotations/reverselookup", json=wanted).raise_for_status().json()["items"]
            read = session.post("/files/byids", json=named).status_code == 200
        return [each["id"] for each in found], read

    in_data_set, everywhere = {"datasetScope": {"ids": [7]}}, {"all": {}}
    nodes = [("dataModelsAcl", everywhere), ("dataModelInstancesAcl", everywhere)]
    assert of("one data set", ("filesAcl", in_data_set)) == ([], False)
    assert of("and nodes", ("filesAcl", in_data_set), *nodes) == ([own], True)
    assert of("all files", ("filesAcl", everywhere)) == ([own], True)
    other = {"filter": condition | {"annotatedResourceType": "threedmodel"}}
    assert http.post("/annotations/reverselookup", json=other).status_code == 400


def test_nulls_in_a_part_of_the_data_count_as_left_out(http, client, new_face):
    client.annotations.create(write(new_face))
    on_file = {"annotatedResourceType": "file", "annotatedResourceIds": [{"id": new_face.id}]}
    wanted = on_file | {"data": {"assetRef": {"externalId": "P-1", "id": None}, "unknown": None}}
    assert len(http.post("/annotations/list", json={"filter": wanted}).raise_for_status().json()["items"]) == 1


@pytest.mark.parametrize(
    ("kind", "data", "found"),
    [
        ("images.AssetLink", {"assetRef": {"externalId": "P-1"}, "textRegion": {"xMin": 0.1}}, True),
        ("images.AssetLink", {}, True),
        (None, {"assetRef": {"externalId": "P-1"}}, True),
        (None, {"text": None, "colour": None}, True),
        ("images.ObjectDetection", {"assetRef": {"externalId": "P-1"}}, False),
        ("isoplan.IsoPlanAnnotation", {"detail": "x"}, False),
        ("images.AssetLink", {"colour": "red"}, False),
        ("images.AssetLink", {"textRegion": {"xMin": 1.5}}, False),
        ("images.AssetLink", {"assetRef": "P-1"}, False),
        (None, {"assetRef": {"externalId": 5}}, False),
    ],
)
@pytest.mark.parametrize("path", ["/annotations/list", "/annotations/reverselookup"])
def test_what_no_annotation_has_finds_nothing(http, client, new_face, path, kind, data, found):
    """The specification leaves `data` of a filter free, and compares it as a part of the annotation's."""
    client.annotations.create(write(new_face, data=LINK | {"textRegion": REGION | {"xMin": 0.1}}, app="of-this-test"))
    condition = {"annotatedResourceType": "file", "annotationType": kind, "data": data, "creatingApp": "of-this-test"}
    on_face = {"annotatedResourceIds": [{"id": new_face.id}]} if path.endswith("list") else {}
    items = http.post(path, json={"filter": condition | on_face, "limit": 1000}).raise_for_status().json()["items"]
    ids = {each.get("annotatedResourceId", each["id"]) for each in items}
    assert (new_face.id in ids) is found
    refused = http.post(path, json={"filter": condition | on_face | {"annotationType": "images.Nothing"}})
    assert refused.status_code == 400
    assert "annotationType" in refused.json()["error"]["message"]


def test_reverse_lookup_by_what_a_published_test_sends(http, client, new_face):
    """That of the Python SDK names the status, and a user that is null."""
    client.annotations.create(write(new_face, app="reversed", status="rejected"))

    def found(**more):
        asked = AnnotationReverseLookupFilter("file", creating_app="reversed", **more)
        return new_face.id in [each.id for each in client.annotations.reverse_lookup(asked, limit=None)]

    named = {"annotation_type": "images.AssetLink", "data": {"assetRef": {"externalId": "P-1"}}}
    assert found(**named, status="rejected", creating_user=None)
    assert not found(**named, status="approved", creating_user=None)
    assert not found(**named, creating_user="somebody")
    assert found()
