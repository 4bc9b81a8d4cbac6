#!/usr/bin/env bash
# Runs a job on a deployed app: smoke_test.sh APP RESOURCE_GROUP, signed in to Azure. Both pipelines call it.
# The function key is fetched here and stays in this environment: it is neither printed nor an argument.
set -euo pipefail
cd "$(dirname "$0")/.."

host=$(az functionapp show --name "$1" --resource-group "$2" --query defaultHostName --output tsv)
FUNCTION_KEY=$(az functionapp keys list --name "$1" --resource-group "$2" --query functionKeys.default --output tsv)
export FUNCTION_KEY
exec python3 -m deployment.smoke "https://$host"
