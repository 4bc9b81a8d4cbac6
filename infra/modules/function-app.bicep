// The function app on its Flex Consumption plan, and its settings: docs/settings.md lists what they mean.
param name string
param planName string
param location string
param tags object
param identityId string
param identityClientId string
param storageName string
param insightsName string
param pythonVersion string
param instanceMemoryMB int
param maximumInstanceCount int
param siteUpdateStrategy string
param appConfigurationEndpoint string
param sourceContainers array
param cosmosEndpoint string
param cosmosContainer string
param cosmosPreviousContainer string
param embeddingsEndpoint string
param embeddingsApiKey string
param embeddingsModel string
param embeddingsDimensions int

resource storage 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: storageName
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true }
}

resource app 'Microsoft.Web/sites@2024-11-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'api' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    siteConfig: {
      alwaysOn: false
      minTlsVersion: '1.2'
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${storage.properties.primaryEndpoints.blob}app-package'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: { name: 'python', version: pythonVersion }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
      }
      siteUpdateStrategy: { type: siteUpdateStrategy }
    }
  }
}

resource settings 'Microsoft.Web/sites/config@2024-11-01' = {
  parent: app
  name: 'appsettings'
  properties: {
    // Durable Functions wants all three addresses, and the identity by its client id.
    AzureWebJobsStorage__credential: 'managedidentity'
    AzureWebJobsStorage__clientId: identityClientId
    AzureWebJobsStorage__blobServiceUri: storage.properties.primaryEndpoints.blob
    AzureWebJobsStorage__queueServiceUri: storage.properties.primaryEndpoints.queue
    AzureWebJobsStorage__tableServiceUri: storage.properties.primaryEndpoints.table
    APPLICATIONINSIGHTS_CONNECTION_STRING: insights.properties.ConnectionString
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
    // Payloads name no classes to build: only JSON crosses an orchestration.
    AZURE_FUNCTIONS_DURABLE_STRICT_TYPING: 'true'
    AZURE_CLIENT_ID: identityClientId
    AppConfigEndpoint: appConfigurationEndpoint
    ALLOWED_CONTAINERS: join(sourceContainers, ',')
    COSMOS_ENDPOINT: cosmosEndpoint
    COSMOS_CONTAINER: cosmosContainer
    COSMOS_PREVIOUS_CONTAINER: cosmosPreviousContainer
    EMBEDDINGS_ENDPOINT: embeddingsEndpoint
    EMBEDDINGS_API_KEY: embeddingsApiKey
    EMBEDDINGS_MODEL: embeddingsModel
    EMBEDDINGS_DIMENSIONS: string(embeddingsDimensions)
  }
}

output name string = app.name
output hostName string = app.properties.defaultHostName
