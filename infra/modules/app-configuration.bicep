// Tells the app where the audit table is, so that the table can move without a new version of the app's settings.
param name string
param location string
param tags object
param sku string
param auditStorage string

resource store 'Microsoft.AppConfiguration/configurationStores@2024-05-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: sku }
  properties: {
    // This deployment writes the key below with the store's own keys; the app reads with its identity.
    disableLocalAuth: false
    dataPlaneProxy: { authenticationMode: 'Local', privateLinkDelegation: 'Disabled' }
  }
}

resource auditStorageKey 'Microsoft.AppConfiguration/configurationStores/keyValues@2024-05-01' = {
  parent: store
  name: 'storage-account-connection-string$async-http-api'
  properties: { value: auditStorage }
}

output name string = store.name
output endpoint string = store.properties.endpoint
