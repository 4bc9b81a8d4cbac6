"""Cosmos DB for the local stack."""
