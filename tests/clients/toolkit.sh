#!/bin/sh
# Verify the login, build and deploy a small module and upload data by Cognite Toolkit, unchanged.
# Arguments: connection.json, an empty folder to work in, and the folder with the programs cdf and python.
set -eu
known() { "$3/python" -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$1" "$2"; }
export CDF_CLUSTER=sandbox LOGIN_FLOW=client_credentials PROVIDER=other IDP_SCOPES=sandbox IDP_AUDIENCE=sandbox
CDF_URL=$(known "$1" base_url "$3")
CDF_PROJECT=$(known "$1" project "$3")
IDP_CLIENT_ID=$(known "$1" client_id "$3")
IDP_CLIENT_SECRET=$(known "$1" client_secret "$3")
IDP_TOKEN_URL=$(known "$1" token_url "$3")
export CDF_URL CDF_PROJECT IDP_CLIENT_ID IDP_CLIENT_SECRET IDP_TOKEN_URL
cd "$2"
version=$("$3/python" -c 'from importlib.metadata import version; print(version("cognite-toolkit"))')
mkdir -p modules/small/data_modeling modules/small/classic modules/small/auth modules/small/data_sets
cat > cdf.toml <<END
[cdf]
default_organization_dir = "."
[modules]
version = "$version"
[plugins]
data = true
END
cat > config.dev.yaml <<END
environment:
  name: dev
  project: $CDF_PROJECT
  validation-type: dev
  selected: [modules/small]
END
cat > modules/small/data_modeling/small.Space.yaml <<END
space: small
name: Small
END
cat > modules/small/data_modeling/Thing.Container.yaml <<END
space: small
externalId: Thing
properties:
  name: {type: {type: text}}
END
cat > modules/small/data_modeling/Thing.View.yaml <<END
space: small
externalId: Thing
version: v1
properties:
  name:
    container: {type: container, space: small, externalId: Thing}
    containerPropertyIdentifier: name
END
cat > modules/small/data_modeling/small.DataModel.yaml <<END
space: small
externalId: small
version: v1
views: [{type: view, space: small, externalId: Thing, version: v1}]
END
cat > modules/small/auth/readers.Group.yaml <<END
name: small-readers
sourceId: small-readers
capabilities:
- filesAcl: {actions: [READ], scope: {all: {}}}
END
cat > modules/small/data_sets/set.DataSet.yaml <<END
externalId: small-set
name: Small set
END
cat > modules/small/classic/label.Label.yaml <<END
externalId: small-label
name: Small label
END
cat > modules/small/classic/asset.Asset.yaml <<END
externalId: small-asset
name: Small asset
dataSetExternalId: small-set
labels: [{externalId: small-label}]
END
# It reads the project, the groups and their capabilities, and ends by naming what the sandbox has no service for.
"$3/cdf" auth verify --no-prompt > verified.txt || grep -q "required for the following resources" verified.txt
"$3/cdf" build --env dev
"$3/cdf" deploy
# Assets of a table, and pictures as classic files and as CogniteFiles.
mkdir -p upload/pictures
cat > upload/tags.Assets.ndjson <<END
{"externalId": "small-root", "name": "root", "dataSetExternalId": "small-set", "metadata": {"kind": "hall"}}
{"externalId": "small-pump", "name": "pump", "parentExternalId": "small-root", "labels": [{"externalId": "small-label"}]}
END
cat > upload/tags.Manifest.yaml <<END
kind: Assets
type: assetFile
datafile: tags.Assets.ndjson
END
printf 'a picture' > upload/pictures/front.jpg
cat > upload/classic.Manifest.yaml <<END
kind: FileMetadataContent
type: FileMetadataTemplate
fileDirectory: upload/pictures
guessMimeType: true
template: {name: \$FILENAME, externalId: small-\$FILENAME}
END
cat > upload/core.Manifest.yaml <<END
kind: CogniteFileContent
type: CogniteFileTemplate
fileDirectory: upload/pictures
guessMimeType: true
template: {space: small, externalId: core-\$FILENAME, name: \$FILENAME}
END
"$3/cdf" data upload dir upload --cdf-project "$CDF_PROJECT"
