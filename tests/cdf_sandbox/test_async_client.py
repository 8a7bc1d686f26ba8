"""The asynchronous SDK client, many calls at once."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from cognite.client import AsyncCogniteClient, ClientConfig
from cognite.client.credentials import OAuthClientCredentials
from cognite.client.data_classes import (
    AnnotationFilter,
    AnnotationWrite,
    AssetWrite,
    DataSetUpdate,
    DataSetWrite,
    ExtractionPipelineRunWrite,
    ExtractionPipelineWrite,
    ThreeDModelRevisionUpdate,
    ThreeDModelRevisionWrite,
)
from cognite.client.data_classes.contextualization import VisionFeature
from cognite.client.data_classes.data_modeling import NodeId, Query, SpaceApply, ViewId, filters
from cognite.client.data_classes.data_modeling.cdm.v1 import Cognite3DObjectApply, CogniteAssetApply
from cognite.client.data_classes.data_modeling.query import NodeResultSetExpression, Select, SourceSelector

from cdf_sandbox_calls import PNG

ASSET = ViewId("cdf_cdm", "CogniteAsset", "v1")


@pytest.fixture
def live(running) -> Callable[[Callable[[AsyncCogniteClient], Awaitable[None]]], None]:
    """Run what is done with an asynchronous client."""
    connection = running.connection
    credentials = OAuthClientCredentials(
        connection["token_url"], connection["client_id"], connection["client_secret"], ["scope"]
    )

    def run(life: Callable[[AsyncCogniteClient], Awaitable[None]]) -> None:
        async def with_client() -> None:
            await life(
                AsyncCogniteClient(ClientConfig("tests", connection["project"], credentials, base_url=running.base_url))
            )

        asyncio.run(with_client())

    return run


def test_life_of_many_files_at_once(live):
    async def life(client: AsyncCogniteClient) -> None:
        names = [f"async_{number}" for number in range(30)]
        await asyncio.gather(*(client.files.upload_bytes(name.encode(), name=name, external_id=name) for name in names))
        contents = await asyncio.gather(*(client.files.download_bytes(external_id=name) for name in names))
        assert contents == [name.encode() for name in names]
        files = await client.files.list(external_id_prefix="async_", limit=None)
        assert {file.name for file in files} == set(names)

        asset = await client.assets.create(AssetWrite(name="P-1"))
        region = {"xMin": 0.1, "xMax": 0.2, "yMin": 0.1, "yMax": 0.2}
        await client.annotations.create(
            [
                AnnotationWrite(
                    annotation_type="images.AssetLink",
                    data={"text": "P-1", "textRegion": region, "assetRef": {"id": asset.id}},
                    status="approved",
                    creating_app="a",
                    creating_app_version="1.0.0",
                    creating_user=None,
                    annotated_resource_type="file",
                    annotated_resource_id=file.id,
                )
                for file in files
            ]
        )
        on_all = AnnotationFilter("file", annotated_resource_ids=[{"id": file.id} for file in files])
        assert len(await client.annotations.list(on_all, limit=None)) == len(files)
        await client.files.delete(external_id=names)
        assert not await client.files.list(external_id_prefix="async_")
        session = await client.iam.sessions.create()
        assert session.nonce

    live(life)


def test_life_of_instances(live):
    async def life(client: AsyncCogniteClient) -> None:
        await client.data_modeling.spaces.apply(SpaceApply("async"))
        instances = client.data_modeling.instances
        assets = [CogniteAssetApply("async", f"a{n}", name=f"P-{n}") for n in range(1500)]
        assert len((await instances.apply(assets)).nodes) == 1500
        await asyncio.gather(*(instances.apply(Cognite3DObjectApply("async", f"o{n}", name="o")) for n in range(10)))
        listed = await instances.list("node", sources=ASSET, space="async", limit=None)
        assert {node.external_id for node in listed} == {asset.external_id for asset in assets}
        both = await asyncio.gather(
            instances.retrieve_nodes([NodeId("async", "a1"), NodeId("async", "none")]),
            instances.search(ASSET, "P-1499", space="async"),
        )
        assert [len(found) for found in both] == [1, 1]
        name = ASSET.as_property_ref("name")
        query = Query(
            {"assets": NodeResultSetExpression(filter=filters.Prefix(name, "P-14"), limit=500)},
            {"assets": Select([SourceSelector(ASSET, ["name"])])},
        )
        assert len((await instances.query(query)).get_nodes("assets")) == 111
        assert (await client.data_modeling.views.retrieve(ASSET))[0].external_id == "CogniteAsset"
        deleted = await instances.delete([asset.as_id() for asset in assets])
        assert len(deleted.nodes) == 1500

    live(life)


def test_life_of_data_sets_and_extraction_pipelines(live):
    async def life(client: AsyncCogniteClient) -> None:
        made = await asyncio.gather(
            *(client.data_sets.create(DataSetWrite(external_id=f"async_{n}")) for n in range(5))
        )
        found = await client.data_sets.retrieve_multiple(external_ids=[data_set.external_id for data_set in made])
        assert [data_set.id for data_set in found] == [data_set.id for data_set in made]
        changed = await client.data_sets.update(DataSetUpdate(external_id="async_0").description.set("d"))
        assert changed.description == "d"

        pipeline = await client.extraction_pipelines.create(
            ExtractionPipelineWrite(external_id="async", name="n", data_set_id=made[0].id)
        )
        runs = client.extraction_pipelines.runs
        await runs.create(ExtractionPipelineRunWrite("async", "failure", message="42 images"))
        assert [run.message for run in await runs.list(external_id="async")] == ["42 images"]
        assert (await client.extraction_pipelines.retrieve(id=pipeline.id)).last_message == "42 images"
        await client.extraction_pipelines.delete(id=pipeline.id)
        assert await client.extraction_pipelines.retrieve(external_id="async") is None

    live(life)


def test_life_of_models(live):
    async def life(client: AsyncCogniteClient) -> None:
        scan = await client.files.upload_bytes(b"points", name="scan.las")
        models = await asyncio.gather(*(client.three_d.models.create(name=f"async {n}") for n in range(5)))
        assert {model.id for model in models} <= {model.id for model in await client.three_d.models.list(limit=None)}
        revisions = client.three_d.revisions
        revision = await revisions.create(models[0].id, ThreeDModelRevisionWrite(file_id=scan.id))
        await revisions.update(models[0].id, ThreeDModelRevisionUpdate(id=revision.id).published.set(True))
        assert (await revisions.retrieve(models[0].id, revision.id)).published
        await client.three_d.models.delete([model.id for model in models])
        assert await client.three_d.models.retrieve(models[0].id) is None

    live(life)


@pytest.mark.filterwarnings("ignore:The Vision API will be removed:UserWarning")  # the SDK's, of a service used here
def test_life_of_a_vision_job_and_a_token(live):
    async def life(client: AsyncCogniteClient) -> None:
        picture = await client.files.upload_bytes(PNG, name="async.png", mime_type="image/png")
        job = await client.vision.extract(VisionFeature.TEXT_DETECTION, file_ids=picture.id)
        assert (await client.vision.get_extract_job(job.job_id)).status in ("Queued", "Running", "Completed", "Failed")
        inspected = await client.iam.token.inspect()
        assert [project.url_name for project in inspected.projects] == ["capture360"]

    live(life)
