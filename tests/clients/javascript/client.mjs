// Files, labels, assets, schema and instances by the JavaScript SDK, unchanged, over plain HTTP.
// Run with the path of connection.json, from a folder where npm has installed @cognite/sdk.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";

const { CogniteClient } = createRequire(join(process.cwd(), "package.json"))("@cognite/sdk");
const known = JSON.parse(await readFile(process.argv[2], "utf-8"));

function check(holds, what) {
  if (!holds) throw new Error(what);
}

async function token() {
  const form = {
    grant_type: "client_credentials",
    client_id: known.client_id,
    client_secret: known.client_secret,
    scope: "sandbox",
  };
  const answer = await fetch(known.token_url, { method: "POST", body: new URLSearchParams(form) });
  return (await answer.json()).access_token;
}

const client = new CogniteClient({
  appId: "clients",
  project: known.project,
  baseUrl: known.base_url,
  oidcTokenProvider: token,
});
await client.authenticate();

const metadata = { name: "js.txt", externalId: "js-file", mimeType: "text/plain" };
const uploaded = await client.files.upload(metadata, "hello", false, true);
check(uploaded.uploaded, "the file is not uploaded");
const [{ downloadUrl }] = await client.files.getDownloadUrls([{ externalId: "js-file" }]);
check((await (await fetch(downloadUrl)).text()) === "hello", "the content is another one");

await client.labels.create([{ externalId: "js-label", name: "Label" }]);
const labels = [{ externalId: "js-label" }];
const [asset] = await client.assets.create([{ name: "Pump", externalId: "js-asset", labels }]);
const [found] = await client.assets.retrieve([{ externalId: "js-asset" }]);
check(found.id === asset.id && found.labels.length === 1, "the asset is another one");

const container = { type: "container", space: "js", externalId: "Thing" };
const view = { type: "view", space: "js", externalId: "Thing", version: "1" };
const name = { container, containerPropertyIdentifier: "name" };
await client.spaces.upsert([{ space: "js" }]);
await client.containers.upsert([{ space: "js", externalId: "Thing", properties: { name: { type: { type: "text" } } } }]);
await client.views.upsert([{ space: "js", externalId: "Thing", version: "1", properties: { name } }]);
const node = { instanceType: "node", space: "js", externalId: "a" };
await client.instances.upsert({ items: [{ ...node, sources: [{ source: view, properties: { name: "A" } }] }] });
const listed = await client.instances.list({ instanceType: "node", sources: [{ source: view }] });
check(listed.items[0].properties.js["Thing/1"].name === "A", "the node is another one");

await client.instances.delete([node]);
await client.views.delete([{ space: "js", externalId: "Thing", version: "1" }]);
await client.containers.delete([{ space: "js", externalId: "Thing" }]);
await client.spaces.delete(["js"]);
await client.assets.delete([{ id: asset.id }]);
await client.labels.delete(labels);
await client.files.delete([{ externalId: "js-file" }]);
const kept = await client.files.list({ filter: { externalIdPrefix: "js-" } }).autoPagingToArray();
check(kept.length === 0, "the file is still listed");
