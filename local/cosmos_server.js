// Starts the npm emulator of Cosmos DB on loopback: node cosmos_server.js <host> <port>
// Two of its answers differ from the real service's and are set right here: a point read of an absent item (500),
// and the partition key of a transactional batch, which it looks for in each operation instead of the header.
"use strict";

const { AsyncLocalStorage } = require("node:async_hooks");

// Before the server itself is loaded: its routes keep the handlers that they find then.
const read = require("@vercel/cosmosdb-server/lib/handler/read-document");
const batch = require("@vercel/cosmosdb-server/lib/handler/batch-documents");
const operations = require("@vercel/cosmosdb-server/lib/handler/_document-operations");

const readPresent = read.default;
read.default = (account, request, response, ids) => {
  try {
    return readPresent(account, request, response, ids);
  } catch (error) {
    if (!error.message.startsWith("Cannot read properties of undefined")) throw error;
    response.statusCode = 404;
    return { code: "NotFound", message: "Entity with the specified id does not exist in the system." };
  }
};

const partitionOfBatch = new AsyncLocalStorage();
for (const name of ["readOperation", "upsertOperation", "replaceOperation", "deleteOperation"]) {
  const operation = operations[name];
  operations[name] = (collection, input) =>
    operation(collection, { partitionKey: partitionOfBatch.getStore(), ...input });
}
const runBatch = batch.default;
batch.default = (account, request, ...rest) =>
  partitionOfBatch.run(request.headers["x-ms-documentdb-partitionkey"], () => runBatch(account, request, ...rest));

const [host, port] = process.argv.slice(2);
const { createHttpsServer } = require("@vercel/cosmosdb-server");
createHttpsServer({ keepAlive: true }).listen(Number(port), host);
