"""Links in the Annotations API: made once, doubled never, and never against a person."""

from __future__ import annotations

import gzip
from dataclasses import replace

import httpx2
import pytest
from cognite.client import CogniteClient
from cognite.client.data_classes import (
    Annotation,
    AnnotationFilter,
    AnnotationUpdate,
    AnnotationWrite,
    AssetWrite,
    DataSetWrite,
)
from cognite.client.data_classes.data_modeling import SpaceApply
from cognite.client.data_classes.data_modeling.cdm.v1 import CogniteAssetApply

from capture360.cdf.assets import ClassicAssets, CoreAssets
from capture360.cdf.capabilities import Need, in_data_set, in_space
from capture360.cdf.client import CdfProject, Connection
from capture360.cdf.core_views import ASSET
from capture360.cdf.links.annotations import Annotations
from capture360.cdf.links.linked_assets import LinkType
from capture360.cdf.ports import AssetIdentity
from capture360.cdf.preflight import READ_SCHEMAS
from capture360.cdf.rights import as_capabilities
from capture360.errors import CdfError, CdfUnavailableError, ConfigError
from capture360.model import FACES, Asset, Detection, FaceRef, Match, Pose, PublishedImage
from capture360.settings.links import LinkSettings
from cdf_sandbox.core.auth import register_client
from local_cdf import PLAIN, RunningSandbox

PLATE = ((0.2, 0.3), (0.4, 0.31), (0.4, 0.36), (0.2, 0.35))
ELSEWHERE = ((0.7, 0.7), (0.9, 0.7), (0.9, 0.8), (0.7, 0.8))


@pytest.fixture(scope="module")
def cdf(running: RunningSandbox) -> CdfProject:
    return CdfProject(Connection.from_mapping(running.connection, "test"))


@pytest.fixture(scope="module")
def client(cdf: CdfProject) -> CogniteClient:
    return cdf.client


@pytest.fixture(scope="module")
def assets(client: CogniteClient, cdf: CdfProject) -> dict[str, Asset]:
    client.assets.create(
        [
            AssetWrite(name="Plant", external_id="plant"),
            AssetWrite(name="21-PT-1019A", external_id="a", parent_external_id="plant", metadata={"kks": "1019-A"}),
            AssetWrite(name="21-PT-1019B", external_id="b", parent_external_id="plant"),
            AssetWrite(name="Elsewhere", external_id="elsewhere"),
        ]
    )
    settings = LinkSettings(asset_subtrees=("plant",), match_on=("name", "metadata.kks"))
    return {asset.name: asset for asset in ClassicAssets(cdf, settings).assets()}


@pytest.fixture
def image(client: CogniteClient, request: pytest.FixtureRequest) -> PublishedImage:
    faces = {face: FaceRef(face, f"{request.node.name}_{face}") for face in FACES}
    for ref in faces.values():
        client.files.upload_bytes(b"x", name=f"{ref.external_id}.jpg", external_id=ref.external_id)
    return PublishedImage("image-1", "space", "station-1", Pose((0, 0, 0), (1, 0, 0, 0)), faces)


def match(asset: Asset, status: str = "approved", polygon: tuple[tuple[float, float], ...] = PLATE) -> Match:
    detection = Detection("image-1", "front", asset.name, 0.99, polygon)
    return Match(detection, asset, 0.999, status, "exact")


def links(client: CogniteClient, image: PublishedImage) -> list[Annotation]:
    ids = [{"external_id": ref.external_id} for ref in image.faces.values()]
    return list(client.annotations.list(AnnotationFilter("file", ids), limit=None))


@pytest.mark.parametrize(("source", "field"), [(ClassicAssets, "aliases"), (CoreAssets, "metadata.kks")])
def test_a_tag_that_assets_of_this_kind_cannot_have_is_refused(
    cdf: CdfProject, source: type[ClassicAssets] | type[CoreAssets], field: str
) -> None:
    with pytest.raises(ConfigError, match=rf"links\.match_on names {field}, but .* have none"):
        list(source(cdf, LinkSettings(match_on=("name", field))).assets())


def test_candidates_are_those_below_the_root(assets: dict[str, Asset]) -> None:
    assert set(assets) == {"Plant", "21-PT-1019A", "21-PT-1019B"}
    assert assets["21-PT-1019A"].tags == ("21-PT-1019A", "1019-A")


def test_a_root_that_a_site_names_twice_is_read_once(cdf: CdfProject, assets: dict[str, Asset]) -> None:
    twice = LinkSettings(asset_subtrees=("plant", "plant"))
    assert {asset.name for asset in ClassicAssets(cdf, twice).assets()} == set(assets)


def test_a_root_that_is_not_there_is_named(cdf: CdfProject) -> None:
    with pytest.raises(ConfigError, match='asset "nowhere" is not in the CDF project'):
        list(ClassicAssets(cdf, LinkSettings(asset_subtrees=("nowhere",))).assets())


@pytest.mark.parametrize(
    ("source", "narrowed", "instead"),
    [
        (ClassicAssets, LinkSettings(asset_spaces=("plant",)), "asset_subtrees"),
        (CoreAssets, LinkSettings(asset_subtrees=("plant",)), "asset_spaces"),
    ],
)
def test_a_narrowing_that_the_project_cannot_apply_is_no_whole_project(
    cdf: CdfProject, source: type[ClassicAssets | CoreAssets], narrowed: LinkSettings, instead: str
) -> None:
    with pytest.raises(ConfigError, match=rf"has no effect on .*links\.{instead} instead"):
        list(source(cdf, narrowed).assets())


def test_a_link_holds_what_viewers_need(
    cdf: CdfProject, client: CogniteClient, image: PublishedImage, assets: dict[str, Asset]
) -> None:
    written = Annotations(cdf, "images.AssetLink").write([image], [match(assets["21-PT-1019A"])])
    assert (written.approved, written.refused) == (1, ())
    (link,) = links(client, image)
    assert link.status == "approved"
    assert link.data["assetRef"] == {"id": int(assets["21-PT-1019A"].ref)}
    assert link.data["textRegion"] == {"xMin": 0.2, "xMax": 0.4, "yMin": 0.3, "yMax": 0.36}
    assert [(v["x"], v["y"]) for v in link.data["objectRegion"]["polygon"]["vertices"]] == list(PLATE)
    face = client.files.retrieve(external_id=image.faces["front"].external_id)
    assert face is not None
    assert link.annotated_resource_id == face.id


def test_written_again_nothing_is_sent(
    running: RunningSandbox, cdf: CdfProject, image: PublishedImage, assets: dict[str, Asset]
) -> None:
    matches = [match(assets["21-PT-1019A"]), match(assets["21-PT-1019B"], "suggested", ELSEWHERE)]
    writer = Annotations(cdf, "images.AssetLink")
    writer.write([image], matches)
    before = running.mutating()
    again = writer.write([image], matches)
    assert (again.kept, again.approved, again.suggested, again.removed) == (2, 0, 0, 0)
    assert running.mutating() == before


@pytest.mark.parametrize("status", [401, 403])
def test_a_missing_right_is_no_fault_of_the_links_and_removes_none(
    running: RunningSandbox,
    cdf: CdfProject,
    client: CogniteClient,
    image: PublishedImage,
    assets: dict[str, Asset],
    status: int,
) -> None:
    writer = Annotations(cdf, "images.AssetLink")
    writer.write([image], [match(assets["21-PT-1019A"])])
    before = links(client, image)
    faults = f"{running.base_url}/sandbox/faults"
    order = {"effect": "status", "status": status, "method": "POST", "path": "*/annotations", "times": 1}
    PLAIN.post(faults, json=order).raise_for_status()
    with pytest.raises(CdfError, match=f"Writing 2 links: CDF answered {status}"):
        writer.write([image], [match(assets["21-PT-1019B"]), match(assets["21-PT-1019B"], polygon=ELSEWHERE)])
    assert [item.id for item in links(client, image)] == [item.id for item in before]
    assert PLAIN.get(faults).json()["items"] == []


def test_what_was_rejected_stays_rejected(
    cdf: CdfProject, client: CogniteClient, image: PublishedImage, assets: dict[str, Asset]
) -> None:
    writer = Annotations(cdf, "images.AssetLink")
    writer.write([image], [match(assets["21-PT-1019A"], "suggested")])
    (link,) = links(client, image)
    client.annotations.update(AnnotationUpdate(link.id).status.set("rejected"))
    again = writer.write([image], [match(assets["21-PT-1019A"])])
    assert (again.decided, again.approved) == (1, 0)
    assert [item.status for item in links(client, image)] == ["rejected"]
    writer.write([image], [])
    assert [item.status for item in links(client, image)] == ["rejected"]


def test_a_persons_approval_is_kept_when_the_machine_changes_its_mind(
    running: RunningSandbox,
    cdf: CdfProject,
    client: CogniteClient,
    image: PublishedImage,
    assets: dict[str, Asset],
) -> None:
    writer = Annotations(cdf, "images.AssetLink")
    writer.write([image], [match(assets["21-PT-1019A"], "suggested")])
    (link,) = links(client, image)
    running.advance(1)
    client.annotations.update(AnnotationUpdate(link.id).status.set("approved"))
    again = writer.write([image], [match(assets["21-PT-1019B"])])
    assert (again.decided, again.approved, again.removed) == (1, 0, 0)
    assert [item.id for item in links(client, image)] == [link.id]


def test_of_two_decisions_on_one_link_the_last_one_counts(
    cdf: CdfProject, client: CogniteClient, image: PublishedImage, assets: dict[str, Asset]
) -> None:
    writer = Annotations(cdf, "images.AssetLink")
    asked = match(assets["21-PT-1019A"], "suggested")
    writer.write([image], [asked])
    beside = match(assets["21-PT-1019A"], "suggested", tuple((x + 0.001, y) for x, y in PLATE))
    assert writer.decide([image], [(asked, "approved"), (beside, "rejected")], [asked, beside]) == []
    assert [link.status for link in links(client, image)] == ["rejected"]


def test_superseded_suggestions_go(
    cdf: CdfProject, client: CogniteClient, image: PublishedImage, assets: dict[str, Asset]
) -> None:
    writer = Annotations(cdf, "images.AssetLink")
    writer.write([image], [match(assets["21-PT-1019A"], "suggested")])
    again = writer.write([image], [match(assets["21-PT-1019B"])])
    assert (again.approved, again.removed) == (1, 1)
    (link,) = links(client, image)
    assert link.data["assetRef"]["id"] == int(assets["21-PT-1019B"].ref)


def test_a_suggestion_that_became_certain_is_replaced(
    cdf: CdfProject, client: CogniteClient, image: PublishedImage, assets: dict[str, Asset]
) -> None:
    writer = Annotations(cdf, "images.AssetLink")
    writer.write([image], [match(assets["21-PT-1019A"], "suggested")])
    writer.write([image], [match(assets["21-PT-1019A"])])
    assert [item.status for item in links(client, image)] == ["approved"]


@pytest.mark.parametrize(("status", "path"), [("approved", "/annotations"), ("suggested", "/annotations/suggest")])
def test_an_answer_that_was_lost_doubles_nothing(
    cdf: CdfProject,
    client: CogniteClient,
    image: PublishedImage,
    assets: dict[str, Asset],
    monkeypatch: pytest.MonkeyPatch,
    status: str,
    path: str,
) -> None:
    real, lost = httpx2.AsyncClient.send, []

    async def commit_then_reset(self: httpx2.AsyncClient, request: httpx2.Request, **more: object) -> httpx2.Response:
        answer = await real(self, request, **more)
        if request.url.path.endswith(path) and not lost:
            lost.append(request)
            raise httpx2.ReadError("connection reset")
        return answer

    monkeypatch.setattr(httpx2.AsyncClient, "send", commit_then_reset)
    writer = Annotations(cdf, "images.AssetLink")
    try:
        writer.write([image], [match(assets["21-PT-1019A"], status)])
    except CdfUnavailableError:
        writer.write([image], [match(assets["21-PT-1019A"], status)])
    assert lost
    assert [link.status for link in links(client, image)] == [status]


def test_an_asset_that_is_gone_costs_only_its_own_link(
    cdf: CdfProject, client: CogniteClient, image: PublishedImage, assets: dict[str, Asset]
) -> None:
    gone = Asset("1", "21-PT-9999", ("21-PT-9999",))
    matches = [match(gone, polygon=ELSEWHERE), match(assets["21-PT-1019A"])]
    written = Annotations(cdf, "images.AssetLink").write([image], matches)
    assert written.approved == 1
    (told,) = written.refused
    assert "21-PT-9999" in told
    assert "deleted meanwhile" in told
    assert len(links(client, image)) == 1


def test_faces_may_share_a_file(cdf: CdfProject, image: PublishedImage, assets: dict[str, Asset]) -> None:
    shared = replace(image, faces={**image.faces, "back": replace(image.faces["front"], face="back")})
    matches, writer = [match(assets["21-PT-1019A"])], Annotations(cdf, "images.AssetLink")
    assert writer.write([shared], matches).approved == 1
    assert len(writer.remove([shared], matches, dry_run=True)) == 1


def test_of_two_equal_plates_the_one_that_cdf_takes_counts(
    cdf: CdfProject,
    client: CogniteClient,
    image: PublishedImage,
    assets: dict[str, Asset],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = httpx2.AsyncClient.send

    async def refuse_one_plate(self: httpx2.AsyncClient, request: httpx2.Request, **more: object) -> httpx2.Response:
        if request.url.path.endswith("/annotations") and b'"xMin":0.7' in gzip.decompress(request.content):
            error = {"code": 400, "message": "refused"}
            return httpx2.Response(400, json={"error": error}, request=request)
        return await real(self, request, **more)

    with monkeypatch.context() as patch:
        patch.setattr(httpx2.AsyncClient, "send", refuse_one_plate)
        matches = [match(assets["21-PT-1019A"]), match(assets["21-PT-1019A"], polygon=ELSEWHERE)]
        written = Annotations(cdf, "images.AssetLink").write([image], matches)
        again = Annotations(cdf, "images.AssetLink").write([image], matches)
    assert (written.approved, len(written.refused), len(links(client, image))) == (1, 1, 1)
    assert (again.kept, again.refused) == (1, written.refused)


@pytest.mark.parametrize("plates", [1, 3])
def test_a_project_that_refuses_every_link_says_it_of_each_and_asks_nothing_about_assets(
    cdf: CdfProject,
    image: PublishedImage,
    assets: dict[str, Asset],
    monkeypatch: pytest.MonkeyPatch,
    plates: int,
) -> None:
    real = httpx2.AsyncClient.send

    async def refuse(self: httpx2.AsyncClient, request: httpx2.Request, **more: object) -> httpx2.Response:
        if request.url.path.endswith("/annotations"):
            return httpx2.Response(400, json={"error": {"code": 400, "message": "no such type"}}, request=request)
        return await real(self, request, **more)

    monkeypatch.setattr(httpx2.AsyncClient, "send", refuse)
    written = Annotations(cdf, "images.AssetLink").write(
        [image], [match(asset) for asset in [*assets.values()][:plates]]
    )
    assert (written.approved, len(written.refused)) == (0, plates)
    assert "no such type" in str(written.refusal)


def test_comparing_grows_with_the_links_and_not_with_their_square(
    cdf: CdfProject, client: CogniteClient, assets: dict[str, Asset], monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[int] = []

    def read(link: Annotation) -> int:
        reads.append(1)
        return int(link.__dict__["file"])

    def keep(link: Annotation, file: int) -> None:
        link.__dict__["file"] = file

    monkeypatch.setattr(Annotation, "annotated_resource_id", property(read, keep), raising=False)
    writer = Annotations(cdf, "images.AssetLink")
    work = []
    for count in (10, 20):
        refs = [FaceRef("front", f"growth-{count}-{number}") for number in range(count)]
        for ref in refs:
            client.files.upload_bytes(b"x", name=f"{ref.external_id}.jpg", external_id=ref.external_id)
        images = [
            PublishedImage(ref.external_id, "space", "station", Pose((0, 0, 0), (1, 0, 0, 0)), {"front": ref})
            for ref in refs
        ]
        one = match(assets["21-PT-1019A"], "suggested")
        matches = [
            replace(one, detection=replace(one.detection, image=image.external_id, polygon=polygon))
            for image in images
            for polygon in (PLATE, ELSEWHERE)
        ]
        reads.clear()
        assert writer.write(images, matches).suggested == len(matches)
        assert writer.write(images, matches).kept == len(matches)
        assert list(writer.undecided(images, matches)) == matches
        work.append(len(reads))
    assert work[1] <= 2 * work[0]


def test_long_texts_and_boxes_at_the_border_are_taken(
    cdf: CdfProject, client: CogniteClient, image: PublishedImage, assets: dict[str, Asset]
) -> None:
    wide = match(assets["21-PT-1019A"], polygon=((-0.1, 0.1), (0.3, 0.1), (0.3, 1.2), (-0.1, 1.2)))
    wide = replace(wide, detection=replace(wide.detection, text="x" * 300))
    written = Annotations(cdf, "images.AssetLink").write([image], [wide])
    assert written.refused == ()
    (link,) = links(client, image)
    assert len(link.data["text"]) == 128
    assert link.data["textRegion"] == {"xMin": 0.0, "xMax": 0.3, "yMin": 0.1, "yMax": 1.0}


def test_instance_links_name_the_node_in_its_own_space(
    cdf: CdfProject, client: CogniteClient, image: PublishedImage
) -> None:
    client.data_modeling.spaces.apply(SpaceApply("plant"))
    client.data_modeling.instances.apply(CogniteAssetApply("plant", "pump-1", name="P-1"))
    pump = Asset("plant/pump-1", "P-1", ("P-1",))
    gone = Asset("plant/pump-2", "P-2", ("P-2",))
    elsewhere = Asset("no_such_space/pump-3", "P-3", ("P-3",))
    writer = Annotations(cdf, "images.InstanceLink")
    assert writer.write([image], [match(pump)]).approved == 1
    (link,) = links(client, image)
    ref = link.data["instanceRef"]
    assert (ref["space"], ref["externalId"], ref["instanceType"]) == ("plant", "pump-1", "node")
    assert writer.write([image], [match(pump)]).kept == 1
    written = writer.write([image], [match(pump), match(gone, polygon=ELSEWHERE), match(elsewhere, polygon=ELSEWHERE)])
    assert (written.kept, written.approved, len(written.refused)) == (1, 0, 2)
    assert len(links(client, image)) == 1


@pytest.mark.parametrize("link_type", ["images.AssetLink", "images.InstanceLink"])
def test_an_approval_whose_asset_may_not_be_read_stands(
    running: RunningSandbox,
    cdf: CdfProject,
    client: CogniteClient,
    image: PublishedImage,
    assets: dict[str, Asset],
    link_type: LinkType,
) -> None:
    """It looks as if the asset was deleted, whose plate would be another's."""
    client.data_modeling.spaces.apply([SpaceApply("readable"), SpaceApply("secret")])
    client.data_modeling.instances.apply([CogniteAssetApply("readable", "a"), CogniteAssetApply("secret", "b")])
    data_set = client.data_sets.create(DataSetWrite(external_id=f"{image.faces['front'].external_id}-readable"))
    theirs = client.assets.create(AssetWrite(name="theirs"))
    own = client.assets.create(AssetWrite(name="own", data_set_id=data_set.id))
    needs = [
        READ_SCHEMAS, Need("filesAcl", "READ"), *Annotations(cdf, link_type).needs,
        Need("assetsAcl", "READ", in_data_set(data_set.id, "")),
        Need("dataModelInstancesAcl", "READ", in_space("readable")),
    ]  # fmt: skip
    scoped = [{**each, "projectScope": {"projects": ["capture360"]}} for each in as_capabilities(needs)]
    secret = register_client(running.sandbox, "narrow", scoped)
    narrow = {**running.connection, "client_id": "narrow", "client_secret": secret}
    limited = CdfProject(Connection.from_mapping(narrow, "test"))
    classic = link_type == "images.AssetLink"
    asset = Asset(str(own.id) if classic else "readable/a", "P-1", ("P-1",))
    instance = {"instanceType": "node", "space": "secret", "externalId": "b", "sources": [ASSET.ref]}
    front = client.files.retrieve(external_id=image.faces["front"].external_id)
    assert front is not None
    data = {
        **({"assetRef": {"id": theirs.id}} if classic else {"instanceRef": instance}),
        "text": "P-1", "textRegion": {"xMin": 0.2, "xMax": 0.4, "yMin": 0.3, "yMax": 0.36},
    }  # fmt: skip
    client.annotations.create(AnnotationWrite(link_type, data, "approved", "by-hand", "1.0.0", "Ada", "file", front.id))
    written = Annotations(limited, link_type).write([image], [match(asset)])
    assert (written.decided, written.approved) == (1, 0)
    client.assets.delete(theirs.id)
    client.data_modeling.instances.delete(nodes=("secret", "b"))
    assert Annotations(limited, link_type).write([image], [match(asset)]).approved == 0
    assert Annotations(cdf, link_type).write([image], [match(asset)]).approved == 1


def test_removing_takes_ours_alone(
    cdf: CdfProject, client: CogniteClient, image: PublishedImage, assets: dict[str, Asset]
) -> None:
    writer = Annotations(cdf, "images.AssetLink")
    writer.write([image], [match(assets["21-PT-1019A"])])
    (ours,) = links(client, image)
    theirs = {**ours.dump(), "creatingApp": "somebody"}
    fields = ("annotatedResourceType", "annotatedResourceId", "annotationType", "creatingAppVersion", "data", "status")
    item = {name: theirs[name] for name in (*fields, "creatingApp")} | {"creatingUser": None}
    client.post(f"/api/v1/projects/{cdf.connection.project}/annotations", {"items": [item]})
    assert len(writer.remove([image], [], dry_run=True)) == 1
    assert len(links(client, image)) == 2
    writer.remove([image], [], dry_run=False)
    assert [link.creating_app for link in links(client, image)] == ["somebody"]


def test_a_rejection_is_about_all_that_its_outline_holds(
    cdf: CdfProject, client: CogniteClient, image: PublishedImage, assets: dict[str, Asset]
) -> None:
    """Another engine reads the tag without the label beside it."""
    writer, tag = Annotations(cdf, "images.AssetLink"), assets["21-PT-1019A"]
    line = match(tag, "suggested", ((0.01, 0.3), (0.99, 0.3), (0.99, 0.36), (0.01, 0.36)))
    writer.write([image], [line])
    (there,) = links(client, image)
    client.annotations.update(AnnotationUpdate(there.id).status.set("rejected"))
    alone = match(tag)
    assert writer.write([image], [alone]).decided == 1
    assert [link.status for link in links(client, image)] == ["rejected"]
    assert writer.undecided([image], [replace(alone, status="suggested")]) == []


def test_what_people_decided_is_read_with_place_asset_and_author(
    cdf: CdfProject, client: CogniteClient, image: PublishedImage, assets: dict[str, Asset]
) -> None:
    one, other = assets["21-PT-1019A"], assets["21-PT-1019B"]
    writer = Annotations(cdf, "images.AssetLink")
    assert writer.decided([image], []) == ([], [])
    writer.write([image], [match(one), match(other, "suggested", ELSEWHERE)])
    assert writer.decided([image], []) == ([], [])
    suggested = next(item for item in links(client, image) if item.status == "suggested")
    client.annotations.update(AnnotationUpdate(suggested.id).status.set("rejected"))
    front = client.files.retrieve(external_id=image.faces["front"].external_id)
    assert front is not None
    box = {"xMin": 0.1, "xMax": 0.15, "yMin": 0.1, "yMax": 0.12}
    thin = {**box, "xMax": 0.1 + 1e-8}
    for status, region, name in (("approved", box, "a"), ("suggested", box, "b"), ("approved", thin, "a")):
        data = {"assetRef": {"externalId": name}, "text": "by hand", "textRegion": region}
        client.annotations.create(
            AnnotationWrite("images.AssetLink", data, status, "drawings", "1.0.0", "bob", "file", front.id)
        )
    found, unclear = writer.decided([image], [])
    (rejected,) = [each for each in found if each.status == "rejected"]
    (approved,) = [each for each in found if each.status == "approved"]
    assert (rejected.by, rejected.match.detection.image, rejected.match.detection.face) == (
        "somebody in CDF", "image-1", "front",
    )  # fmt: skip
    assert rejected.is_about(match(other, polygon=ELSEWHERE))
    assert rejected.match.detection.polygon == ELSEWHERE
    assert (approved.by, approved.match.detection.text) == ("bob", "by hand")
    assert approved.match.asset is not None
    assert approved.match.asset.ref == one.ref
    assert approved.match.detection.polygon == ((0.1, 0.1), (0.15, 0.1), (0.15, 0.12), (0.1, 0.12))
    (sentence,) = unclear
    assert sentence.endswith("(approved) marks no area of face front of image image-1")


def test_assets_are_known_by_external_id_and_name(cdf: CdfProject, assets: dict[str, Asset]) -> None:
    one = assets["21-PT-1019A"]
    assert ClassicAssets(cdf, LinkSettings()).identities([one.ref, "1"]) == {one.ref: AssetIdentity("a", "21-PT-1019A")}
    client = cdf.client
    client.data_modeling.spaces.apply(SpaceApply("identities"))
    client.data_modeling.instances.apply(
        [CogniteAssetApply("identities", "named", name="21-PT-7"), CogniteAssetApply("identities", "nameless")]
    )
    refs = ["identities/named", "identities/nameless", "identities/gone"]
    assert CoreAssets(cdf, LinkSettings()).identities(refs) == {
        "identities/named": AssetIdentity("named", "21-PT-7"),
        "identities/nameless": AssetIdentity("nameless", "nameless"),
    }
