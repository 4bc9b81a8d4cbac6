"""The vector index in Cosmos DB."""
