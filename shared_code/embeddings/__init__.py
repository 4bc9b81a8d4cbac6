"""Texts to vectors, through an embeddings service."""
