"""A stand-in for Cosmos DB: its HTTP API over SQLite, with vector and full-text search.

service      starts it                          parser, syntax           the text of a query, its tree
app          the HTTP API                       evaluation, functions    a tree as a Python function
store        items on disk                      values, words            what JSON values and texts mean
containers   policies, partitions, vectors      planning                 what a client does itself
patching     patch operations                   execution, search_index  running a query
"""
