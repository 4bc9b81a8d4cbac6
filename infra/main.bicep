// Everything the app runs on, in a resource group of its own (ADR 25). The app signs in everywhere with one
// user-assigned identity; the only secret there may be is the key of an embeddings service outside of Azure.
targetScope = 'subscription'

@minLength(1)
@maxLength(64)
@description('Name of the azd environment; names of resources follow from it.')
param environmentName string

@minLength(1)
@description('A region that has the Flex Consumption plan.')
@metadata({ azd: { type: 'location' } })
param location string

@description('Object id of whoever deploys, for the rights to upload files and read results; empty: nobody.')
param developerId string = ''

@allowed(['User', 'Group', 'ServicePrincipal'])
param developerType string = 'User'

@allowed(['3.11', '3.12', '3.13'])
@description('Python of the function app: that of make package.')
param pythonVersion string = '3.11'

@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@minValue(40)
@maxValue(1000)
param maximumInstanceCount int = 40

@allowed(['RollingUpdate', 'Recreate'])
@description('What happens to running executions when a new version comes: RollingUpdate (a preview) lets them end, Recreate stops them and lets other instances repeat them.')
param siteUpdateStrategy string = 'RollingUpdate'

@description('Containers whose files may be embedded.')
param sourceContainers array = ['documents']

@minLength(1)
@description('OpenAI base URL, or the endpoint of an Azure OpenAI resource.')
param embeddingsEndpoint string

@secure()
@description('Key of an embeddings service outside of Azure; empty for Azure OpenAI.')
param embeddingsApiKey string = ''

@description('Model, or deployment on Azure OpenAI.')
param embeddingsModel string = 'text-embedding-3-small'

@minValue(1)
@maxValue(4096)
@description('Numbers of a vector. The index is made for them and never changes.')
param embeddingsDimensions int = 1536

@minLength(1)
@description('Container of the vectors. What it is made like never changes: another shape or size is another container.')
param cosmosContainer string = 'chunks'

@description('Container that it takes the place of, whose vectors are copied; empty: none.')
param cosmosPreviousContainer string = ''

@description('Azure OpenAI account that the app may use with its identity; empty: none.')
param openAiAccountName string = ''
param openAiResourceGroup string = ''

@allowed(['free', 'standard'])
@description('A subscription has one free App Configuration store in a region.')
param appConfigurationSku string = 'standard'

var abbreviations = loadJsonContent('abbreviations.json')
var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = { 'azd-env-name': environmentName }

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: '${abbreviations.resourceGroup}${environmentName}'
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    name: '${abbreviations.identity}${token}'
    location: location
    tags: tags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    workspaceName: '${abbreviations.workspace}${token}'
    insightsName: '${abbreviations.insights}${token}'
    location: location
    tags: tags
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  scope: group
  params: {
    name: '${abbreviations.storageAccount}${token}'
    location: location
    tags: tags
    sourceContainers: sourceContainers
  }
}

module cosmos 'modules/cosmos.bicep' = {
  name: 'cosmos'
  scope: group
  params: {
    name: '${abbreviations.cosmosAccount}${token}'
    location: location
    tags: tags
    containerName: cosmosContainer
    dimensions: embeddingsDimensions
  }
}

module keyVault 'modules/key-vault.bicep' = {
  name: 'key-vault'
  scope: group
  params: {
    name: '${abbreviations.keyVault}${token}'
    location: location
    tags: tags
    embeddingsApiKey: embeddingsApiKey
  }
}

module appConfiguration 'modules/app-configuration.bicep' = {
  name: 'app-configuration'
  scope: group
  params: {
    name: '${abbreviations.appConfigurationStore}${token}'
    location: location
    tags: tags
    sku: appConfigurationSku
    auditStorage: storage.outputs.tableEndpoint
  }
}

module appRoles 'modules/roles.bicep' = {
  name: 'app-roles'
  scope: group
  params: {
    principalId: identity.outputs.principalId
    principalType: 'ServicePrincipal'
    storageName: storage.outputs.name
    cosmosName: cosmos.outputs.name
    keyVaultName: keyVault.outputs.name
    appConfigurationName: appConfiguration.outputs.name
    insightsName: monitoring.outputs.insightsName
  }
}

module developerRoles 'modules/roles.bicep' = if (!empty(developerId)) {
  name: 'developer-roles'
  scope: group
  params: {
    principalId: developerId
    principalType: developerType
    storageName: storage.outputs.name
    cosmosName: cosmos.outputs.name
    keyVaultName: keyVault.outputs.name
    appConfigurationName: appConfiguration.outputs.name
    insightsName: monitoring.outputs.insightsName
  }
}

module openAiRole 'modules/openai-role.bicep' = if (!empty(openAiAccountName)) {
  name: 'openai-role'
  scope: resourceGroup(empty(openAiResourceGroup) ? group.name : openAiResourceGroup)
  params: {
    accountName: openAiAccountName
    principalId: identity.outputs.principalId
  }
}

module app 'modules/function-app.bicep' = {
  name: 'function-app'
  scope: group
  dependsOn: [appRoles]
  params: {
    name: '${abbreviations.functionApp}${token}'
    planName: '${abbreviations.plan}${token}'
    location: location
    tags: tags
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    storageName: storage.outputs.name
    insightsName: monitoring.outputs.insightsName
    pythonVersion: pythonVersion
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    siteUpdateStrategy: siteUpdateStrategy
    appConfigurationEndpoint: appConfiguration.outputs.endpoint
    sourceContainers: sourceContainers
    cosmosEndpoint: cosmos.outputs.endpoint
    cosmosContainer: cosmosContainer
    cosmosPreviousContainer: cosmosPreviousContainer
    embeddingsEndpoint: embeddingsEndpoint
    // Without the secret's version, so that the app takes up a new key by itself.
    embeddingsApiKey: empty(embeddingsApiKey) ? '' : '@Microsoft.KeyVault(SecretUri=${keyVault.outputs.uri}secrets/${keyVault.outputs.secretName})'
    embeddingsModel: embeddingsModel
    embeddingsDimensions: embeddingsDimensions
  }
}

output AZURE_LOCATION string = location
output AZURE_TENANT_ID string = tenant().tenantId
output AZURE_RESOURCE_GROUP string = group.name
output AZURE_FUNCTION_NAME string = app.outputs.name
output AZURE_STORAGE_NAME string = storage.outputs.name
output SERVICE_API_ENDPOINTS array = ['https://${app.outputs.hostName}']
