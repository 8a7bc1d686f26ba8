#!/bin/sh
# Verify the login, build and deploy cdf/modules/capture360 and upload data by Cognite Toolkit, unchanged.
# Arguments: connection.json, an empty folder to work in, the folder with the programs cdf and python, and the folder cdf.
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
cp -R "$4/modules" .
sed "s/^  project: .*/  project: $CDF_PROJECT/" "$4/config.dev.yaml" > config.dev.yaml
cat > cdf.toml <<END
[cdf]
default_env = "dev"
[modules]
version = "$version"
[plugins]
data = true
END
# It reads the project, the groups and their capabilities, and ends by naming what the sandbox has no service for.
"$3/cdf" auth verify --no-prompt > verified.txt || grep -q "required for the following resources" verified.txt
"$3/cdf" build -c config.dev.yaml
"$3/cdf" deploy --dry-run
"$3/cdf" deploy
# Assets of a table, and pictures as classic files and as CogniteFiles.
mkdir -p upload/pictures
cat > upload/tags.Assets.ndjson <<END
{"externalId": "root", "name": "root", "dataSetExternalId": "captures360", "metadata": {"kind": "hall"}}
{"externalId": "pump", "name": "pump", "parentExternalId": "root", "labels": [{"externalId": "label"}]}
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
template: {name: \$FILENAME, externalId: classic-\$FILENAME}
END
cat > upload/core.Manifest.yaml <<END
kind: CogniteFileContent
type: CogniteFileTemplate
fileDirectory: upload/pictures
guessMimeType: true
template: {space: captures360, externalId: core-\$FILENAME, name: \$FILENAME}
END
"$3/cdf" data upload dir upload --cdf-project "$CDF_PROJECT"
