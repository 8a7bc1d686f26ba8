"""Generate a client of a data model by pygen, unchanged, and use it. Run with the path of connection.json."""

import importlib
import json
import sys
import tempfile
from pathlib import Path

from cognite.client import ClientConfig, CogniteClient
from cognite.client.credentials import OAuthClientCredentials
from cognite.client.data_classes.data_modeling import (
    ContainerApply,
    ContainerId,
    ContainerProperty,
    DataModelApply,
    MappedPropertyApply,
    SpaceApply,
    Text,
    ViewApply,
)
from cognite.pygen import generate_sdk

known = json.loads(Path(sys.argv[1]).read_text())
credentials = OAuthClientCredentials(known["token_url"], known["client_id"], known["client_secret"], ["sandbox"])
client = CogniteClient(ClientConfig("clients", known["project"], credentials, base_url=known["base_url"]))
schemas = client.data_modeling
schemas.spaces.apply(SpaceApply("pygen"))
schemas.containers.apply(ContainerApply("pygen", "Pump", {"name": ContainerProperty(Text())}))
name = MappedPropertyApply(ContainerId("pygen", "Pump"), "name")
view = ViewApply("pygen", "Pump", "v1", properties={"name": name})
model = schemas.data_models.apply(DataModelApply("pygen", "Plant", "v1", views=[view]))

with tempfile.TemporaryDirectory() as folder:
    generate_sdk(model.as_id(), client, top_level_package="plant", output_dir=Path(folder) / "plant", overwrite=True)
    sys.path.insert(0, folder)
    package = importlib.import_module("plant")
    classes = importlib.import_module("plant.data_classes")
    plant = package.PlantClient(client)
    plant.upsert(classes.PumpWrite(space="pygen", external_id="p1", name="P-1"))
    found = plant.pump.list(limit=-1)
    assert [pump.name for pump in found] == ["P-1"]
    plant.delete("p1", space="pygen")
schemas.data_models.delete(model.as_id())
schemas.views.delete(view.as_id())
schemas.containers.delete(ContainerId("pygen", "Pump"))
schemas.spaces.delete("pygen")
