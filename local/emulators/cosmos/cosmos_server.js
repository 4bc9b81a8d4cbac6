// Starts the npm emulator of Cosmos DB on loopback: node cosmos_server.js <host> <port>
// What it does otherwise than the real service is set right here, as far as the app asks for it: the read of an
// absent item, the partition of a query, writes that want no answer, and batches.
"use strict";

const { AsyncLocalStorage } = require("node:async_hooks");

// Before the server itself is loaded: its routes keep the handlers that they find then.
const library = (name) => require(`@vercel/cosmosdb-server/lib/${name}`);
const handler = (name) => library(`handler/${name}`);
const operations = handler("_document-operations");
const { patchOperation } = handler("_patch-operations");
const readJson = library("json").default;
const Documents = library("account/documents").default;

const PARTITION = "x-ms-documentdb-partitionkey";
const ABSENT = { code: "NotFound", message: "Entity with the specified id does not exist in the system." };

// It answers the read of an absent item with 500.
const read = handler("read-document");
const readPresent = read.default;
read.default = (account, request, response, ids) => {
  try {
    return readPresent(account, request, response, ids);
  } catch (error) {
    if (!error.message.startsWith("Cannot read properties of undefined")) throw error;
    response.statusCode = 404;
    return ABSENT;
  }
};

// It looks at every item of a container for every query, whatever its partition: here items are kept by partition
// too, and a query with a partition sees no others.
const partitionOfQuery = new AsyncLocalStorage();
for (const name of ["query-documents", "read-documents"]) {
  const answer = handler(name);
  const answerFromAll = answer.default;
  answer.default = (account, request, ...rest) => {
    const [partition] = JSON.parse(request.headers[PARTITION] ?? "[]");
    // The header is enough for the real service; here the WHERE would have to name the partition as well.
    if (partition !== undefined) request.headers["x-ms-documentdb-query-enablecrosspartition"] = "true";
    return partitionOfQuery.run(partition, () => answerFromAll(account, request, ...rest));
  };
}

function itemsOf(documents, partition) {
  documents.byPartition ??= new Map();
  if (!documents.byPartition.has(partition)) documents.byPartition.set(partition, new Map());
  return documents.byPartition.get(partition);
}

const { _set: keep, delete: discard } = Documents.prototype;
Documents.prototype._set = function (data) {
  itemsOf(this, this._getPartition(data)).set(data._rid, this._newItem(data));
  return keep.call(this, data);
};
Documents.prototype.delete = function (id, partition) {
  const data = this._item("/id", id, partition).read();
  discard.call(this, id, partition);
  itemsOf(this, this._getPartition(data)).delete(data._rid);
};
for (const name of ["query", "read"]) {
  const find = Documents.prototype[name];
  Documents.prototype[name] = function (...options) {
    const partition = partitionOfQuery.getStore();
    if (partition === undefined) return find.apply(this, options);
    return find.apply(Object.create(this, { _data: { value: itemsOf(this, partition) } }), options);
  };
}

// It sends an item back even where the writer wants no answer.
for (const name of ["create-document", "upsert-document", "replace-document", "patch-document"]) {
  const write = handler(name);
  const writeAndAnswer = write.default;
  write.default = async (account, request, response, ids) => {
    const body = await writeAndAnswer(account, request, response, ids);
    if (request.headers.prefer !== "return=minimal" || response.statusCode >= 400) return body;
    response.setHeader("etag", body._etag);
    return undefined;
  };
}

// Its batches look for the partition in each operation instead of the header, know no patch, and are not undone
// when one of their operations fails.
const OPERATIONS = {
  Create: operations.createOperation,
  Delete: operations.deleteOperation,
  Patch: (collection, { resourceBody, ...input }) => patchOperation(collection, { ...input, ...resourceBody }),
  Read: operations.readOperation,
  Replace: operations.replaceOperation,
  Upsert: operations.upsertOperation,
};
handler("batch-documents").default = async (account, request, response, { dbId, collId }) => {
  const collection = account.database(dbId).collection(collId);
  const inputs = await readJson(request);
  if (!collection.read()) {
    response.statusCode = 404;
    return ABSENT;
  }
  const results = [];
  const undo = [];
  for (const input of inputs) {
    const result = run(collection, { ...input, partitionKey: request.headers[PARTITION] }, undo);
    if (result.statusCode >= 400) {
      undo.reverse().forEach((restore) => restore());
      response.statusCode = 207;
      return inputs.map((_, place) => (place === results.length ? result : { statusCode: 424, requestCharge: 0 }));
    }
    results.push(result);
  }
  return results;
};

function run(collection, input, undo) {
  const id = input.id ?? input.resourceBody.id;
  const [partition] = JSON.parse(input.partitionKey);
  const before = collection.document(id, partition).read();
  const { statusCode, body } = OPERATIONS[input.operationType](collection, input);
  undo.push(() => {
    if (collection.document(id, partition).read()) collection.documents.delete(id, partition);
    if (before) collection.documents._set(before);
  });
  return { statusCode, requestCharge: 1, eTag: body?._etag, resourceBody: input.minimalReturnPreference ? undefined : body };
}

const [host, port] = process.argv.slice(2);
const { createHttpsServer } = require("@vercel/cosmosdb-server");
createHttpsServer({ keepAlive: true }).listen(Number(port), host);
