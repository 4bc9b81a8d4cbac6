// The secrets that an identity cannot replace: the key of an embeddings service outside of Azure, if there is one.
param name string
param location string
param tags object

@secure()
param embeddingsApiKey string

var secretName = 'embeddings-api-key'

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enablePurgeProtection: true
    softDeleteRetentionInDays: 90
  }
}

resource secret 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = if (!empty(embeddingsApiKey)) {
  parent: vault
  name: secretName
  properties: { value: embeddingsApiKey }
}

output name string = vault.name
output uri string = vault.properties.vaultUri
output secretName string = secretName
