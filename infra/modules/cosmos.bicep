// The vector index. Its container is the one that shared_code/index/cosmos_container.py would make: the app's
// identity may read and write items, but not create containers. Its partition key, vectors and vector index can
// never be changed.
param name string
param location string
param tags object
param databaseName string = 'embeddings'
param containerName string = 'chunks'
param dimensions int

resource account 'Microsoft.DocumentDB/databaseAccounts@2026-03-15' = {
  name: name
  location: location
  tags: tags
  kind: 'GlobalDocumentDB'
  properties: {
    databaseAccountOfferType: 'Standard'
    locations: [{ locationName: location, failoverPriority: 0, isZoneRedundant: false }]
    consistencyPolicy: { defaultConsistencyLevel: 'Session' }
    capabilities: [
      { name: 'EnableServerless' }
      { name: 'EnableNoSQLVectorSearch' }
      { name: 'EnableNoSQLFullTextSearch' }
    ]
    disableLocalAuth: true
    minimalTlsVersion: 'Tls12'
  }
}

resource database 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases@2026-03-15' = {
  parent: account
  name: databaseName
  properties: {
    resource: { id: databaseName }
  }
}

resource container 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers@2026-03-15' = {
  parent: database
  name: containerName
  properties: {
    resource: {
      id: containerName
      partitionKey: { paths: ['/pk'], kind: 'Hash', version: 2 }
      indexingPolicy: {
        includedPaths: [
          { path: '/pk/?' }
          { path: '/index/?' }
          { path: '/source/?' }
          { path: '/trackingId/?' }
          { path: '/ordinal/?' }
          { path: '/fingerprint/?' }
          { path: '/content/?' }
          { path: '/opened_until/?' }
        ]
        excludedPaths: [{ path: '/*' }]
        vectorIndexes: [{ path: '/embedding', type: 'diskANN', vectorIndexShardKey: ['/index'] }]
        fullTextIndexes: [{ path: '/text' }, { path: '/context' }]
      }
      vectorEmbeddingPolicy: {
        vectorEmbeddings: [
          { path: '/embedding', dataType: 'float32', distanceFunction: 'cosine', dimensions: dimensions }
        ]
      }
      fullTextPolicy: {
        defaultLanguage: 'en-US'
        fullTextPaths: [{ path: '/text', language: 'en-US' }, { path: '/context', language: 'en-US' }]
      }
    }
  }
}

output name string = account.name
output endpoint string = account.properties.documentEndpoint
