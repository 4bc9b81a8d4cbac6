"""An offline server of the OpenAI embeddings API, for development and tests; never deployed.

It computes with a small model of its own, answers and refuses as the real API does, and can be told to fail.
"""
