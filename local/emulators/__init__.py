"""What stands in for Azure on a laptop: storage, Cosmos DB and embeddings."""
