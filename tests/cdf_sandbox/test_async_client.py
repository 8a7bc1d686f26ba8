"""The asynchronous SDK client, many calls at once."""

import asyncio

from cognite.client import AsyncCogniteClient, ClientConfig
from cognite.client.credentials import OAuthClientCredentials
from cognite.client.data_classes import AnnotationFilter, AnnotationWrite, AssetWrite


def test_life_of_many_files_at_once(running):
    connection = running.connection
    credentials = OAuthClientCredentials(
        connection["token_url"], connection["client_id"], connection["client_secret"], ["scope"]
    )

    async def live() -> None:
        client = AsyncCogniteClient(
            ClientConfig("tests", connection["project"], credentials, base_url=running.base_url)
        )
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

    asyncio.run(live())
