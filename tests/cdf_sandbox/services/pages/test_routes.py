"""The pages show the contents as escaped text, and to this machine only."""

import io
import re

import pytest
from cognite.client.data_classes import AnnotationWrite, ThreeDModelRevisionWrite
from cognite.client.data_classes.data_modeling import NodeApply, NodeOrEdgeData, SpaceApply, ViewId
from PIL import Image

from local_cdf import PLAIN

EVIL = "<script>alert(1)</script>"
SIDES = ("Front", "Back", "Left", "Right", "Top", "Bottom")


def legacy(view, **properties):
    return [NodeOrEdgeData(ViewId("cdf_360_image_schema", view, "v1"), properties)]


@pytest.fixture(scope="module")
def filled(running):
    client = running.client()
    picture = io.BytesIO()
    Image.new("RGB", (64, 64), (10, 200, 10)).save(picture, "PNG")
    for side in SIDES:
        face = client.files.upload_bytes(
            picture.getvalue(), name=f"{side}{EVIL}.png", external_id=f"f_{side}", mime_type="image/png"
        )
    client.annotations.create(
        AnnotationWrite(
            annotation_type="images.Classification",
            data={"label": EVIL},
            status="suggested",
            creating_app="a",
            creating_app_version="1.0.0",
            creating_user=None,
            annotated_resource_type="file",
            annotated_resource_id=face.id,
        )
    )
    client.data_modeling.spaces.apply(SpaceApply("plant"))
    faces = {f"cubeMap{side}": f"f_{side}" for side in SIDES}
    pose = {f"{part}{axis}": 1.5 for part in ("translation", "eulerRotation") for axis in "XYZ"}
    collection, station = {"space": "plant", "externalId": "c&1"}, {"space": "plant", "externalId": "s1"}
    client.data_modeling.instances.apply(
        [
            NodeApply("plant", "c&1", sources=legacy("Image360Collection", label=f"Hall {EVIL}")),
            NodeApply("plant", "s1", sources=legacy("Station360", label="Station one")),
            NodeApply(
                "plant", "i1", sources=legacy("Image360", collection360=collection, station=station, **faces, **pose)
            ),
        ]
    )
    model = client.three_d.models.create(name=EVIL)
    client.three_d.revisions.create(model.id, ThreeDModelRevisionWrite(file_id=face.id))
    running.advance(60)
    return face


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/", "It is made to refuse"),
        ("/sandbox/pages/files", "f_<wbr>Front"),
        ("/sandbox/pages/collections", "c&amp;1"),
        ("/sandbox/pages/collection?kind=legacy&space=plant&externalId=c%261", "Station one"),
        ("/sandbox/pages/instances", "cdf_360_image_schema:Image360"),
        ("/sandbox/pages/annotations", "images.Classification"),
        ("/sandbox/pages/jobs", "CONVERTER/STARTED"),
        ("/sandbox/pages/requests", "models/<wbr>instances"),
    ],
)
def test_pages_escape_and_forbid_scripts(running, filled, path, shown):
    answer = PLAIN.get(running.base_url + path)
    assert answer.status_code == 200, answer.text
    assert shown in answer.text
    assert "<script" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert running.connection["client_secret"] not in answer.text


def test_overview_counts(running, filled):
    text = PLAIN.get(running.base_url).text
    assert "<b>6</b>files" in text
    assert "<b>1</b>360° collections" in text


def test_collection_page_shows_its_faces(running, filled):
    url = f"{running.base_url}/sandbox/pages/collection?kind=legacy&space=plant&externalId=c%261"
    text = PLAIN.get(url).text
    assert text.count("/sandbox/pages/preview/") == 6
    assert "1.500 1.500 1.500" in text
    preview = PLAIN.get(f"{running.base_url}/sandbox/pages/preview/{filled.id}")
    assert preview.headers["content-type"] == "image/jpeg"


@pytest.mark.parametrize("path", ["/", "/sandbox/counters", "/sandbox/pages/files"])
def test_foreign_host_names_are_refused(running, path):
    answer = PLAIN.get(running.base_url + path, headers={"host": "evil.example"})
    assert answer.status_code == 403


def test_unknown_previews(running):
    for file_id in ("1", "999999999999999999999999", "x"):
        answer = PLAIN.get(f"{running.base_url}/sandbox/pages/preview/{file_id}")
        assert answer.status_code in (400, 404)


def test_looking_at_the_pages_is_no_request_of_the_api(running, filled):
    before = running.sandbox.counters.snapshot()
    for path in ("/", "/favicon.ico", "/sandbox/pages/files", f"/sandbox/pages/preview/{filled.id}"):
        PLAIN.get(running.base_url + path)
    shown = PLAIN.get(f"{running.base_url}/sandbox/pages/requests").text
    assert "models/<wbr>instances" in shown
    assert "sandbox/<wbr>pages" not in shown
    assert "favicon" not in shown
    assert running.sandbox.counters.snapshot() == before


def test_an_empty_log_of_requests_has_a_sentence(start_sandbox):
    with start_sandbox() as running:
        text = PLAIN.get(f"{running.base_url}/sandbox/pages/requests").text
    assert "No request has come in yet" in text
    assert "<table" not in text


@pytest.mark.parametrize("page", ["files", "instances", "annotations", "jobs", "requests", "collections"])
def test_every_cell_is_labelled_where_columns_do_not_fit(running, filled, page):
    text = PLAIN.get(f"{running.base_url}/sandbox/pages/{page}").text
    heads = re.findall(r"<th(?: [^>]*)?>([^<]+)</th>", text)
    row = text[text.index("<tbody>") :].partition("</tr>")[0]
    assert re.findall(r'data-label="([^"]+)"', row) == heads


def test_ids_break_at_their_joints_only(running, filled):
    text = PLAIN.get(f"{running.base_url}/sandbox/pages/files").text
    assert "f_<wbr>Front" in text
    assert f'<span class="quiet id short">{filled.id}</span>' in text


def test_a_panorama_is_headed_by_its_display_name_and_leads_back(running, filled):
    query = {"kind": "legacy", "space": "plant", "externalId": "c&1"}
    document = PLAIN.get(f"{running.base_url}/sandbox/panorama/view", params=query).json()
    assert (document["capture"], document["title"]) == ("plant/c&1", f"Hall {EVIL}")
    page = PLAIN.get(running.base_url + document["page"])
    assert "<h1>Collection Hall &lt;" in page.text
    assert 'href="/sandbox/pages/collections"' in page.text
    assert '<link rel="icon" href="data:,">' in page.text
    assert "img-src 'self' data:;" in page.headers["content-security-policy"]


def test_every_collection_can_be_seen_beside_another(running, filled):
    client = running.client()
    nodes = [NodeApply("plant", f"many-{n}", sources=legacy("Image360Collection", label="L")) for n in range(60)]
    client.data_modeling.instances.apply(nodes)
    url = f"{running.base_url}/sandbox/panorama/collections"
    found = PLAIN.get(url, params={"like": "C&"}).json()
    assert [each["name"] for each in found] == ["plant/c&1"]
    assert len(PLAIN.get(url, params={"like": "MANY"}).json()) == 60


@pytest.mark.parametrize("size", ["small", "full"])
def test_faces_are_pictures(running, filled, size):
    client = running.client()
    scan = client.files.upload_bytes(b"ASTM-E57 and so on", name="scan.e57")
    url = f"{running.base_url}/sandbox/panorama/faces"
    refused = PLAIN.get(f"{url}/{scan.id}", params={"size": size})
    assert (refused.status_code, "cannot be read as a picture" in refused.text) == (400, True)
    assert PLAIN.get(f"{url}/5", params={"size": size}).status_code == 404
    face = PLAIN.get(f"{url}/{filled.id}", params={"size": size})
    assert face.headers["content-type"] == ("image/jpeg" if size == "small" else "image/png")
    assert Image.open(io.BytesIO(face.content)).size == (64, 64)
