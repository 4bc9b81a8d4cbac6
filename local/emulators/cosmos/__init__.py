"""A stand-in for Cosmos DB: its HTTP API over SQLite, with vector and full-text search.

service                          starts it
app, certificate                 the HTTP API
store, transaction, items        what is on disk
containers, patching             partitions, vectors and policies; patch operations
parser, syntax                   the text of a query, and its tree
evaluation, functions, values    a tree as a Python function
queries, planning, execution     what the SDK asks for, and how a query is run
search_process, searches         the process that searches: where it is asked, and in itself
search_index, index_view         what searches look at: columns, vectors, texts, words
"""
