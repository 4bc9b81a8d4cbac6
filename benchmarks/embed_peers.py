"""A peer of the embedding job, in a process of its own.

`python -m benchmarks.embed_peers NAME ENDPOINT KEY COSMOS_ENDPOINT COSMOS_KEY`: each line of its input names
a folder of files, or a JSON file of texts by their source; the peer brings its index in line with them and
answers with a line. It must import nothing of the app.
"""

# The peers are installed for `make bench` only, so that their types are not always known.
# mypy: disable-error-code="import-not-found, misc"

import asyncio
import base64
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from http import HTTPStatus
from pathlib import Path

import aiohttp
import numpy as np
from langchain_community.document_loaders import (
    BSHTMLLoader,
    CSVLoader,
    Docx2txtLoader,
    JSONLoader,
    PyPDFLoader,
    TextLoader,
)
from langchain_core.document_loaders import BaseLoader
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.indexing import InMemoryRecordManager, aindex
from langchain_core.vectorstores import InMemoryVectorStore, VectorStore
from langchain_text_splitters import RecursiveCharacterTextSplitter
from llama_index.core import Document as LlamaDocument
from llama_index.core import SimpleDirectoryReader
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.ingestion import DocstoreStrategy, IngestionPipeline
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.storage.docstore import SimpleDocumentStore
from llama_index.core.vector_stores import SimpleVectorStore
from llama_index.core.vector_stores.types import BasePydanticVectorStore
from pydantic import PrivateAttr
from splintr import Tokenizer

Texts = Mapping[str, str]
Ingest = Callable[[Texts], Awaitable[object]]

CHUNK_TOKENS, OVERLAP_TOKENS = 512, 64
BATCH_TEXTS = 256  # a fuller request may pass the API's limit on tokens, at which a peer fails
REQUESTS_AT_ONCE = 8
INDEX_BATCH = 4_096  # "as big a batch size as possible", says the documentation of index()

# Loaded here once: the vocabulary that the app counts with, as tiktoken would have to download its own.
_encode = Tokenizer.from_pretrained("cl100k_base").encode_ordinary


class Service:
    """The embeddings service as openai's client uses it: answers in base64, and waits as a 429 asks."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._slots = asyncio.Semaphore(REQUESTS_AT_ONCE)

    async def embed(self, texts: list[str]) -> list[list[float]]:
        """The vectors of texts that fit into one request."""
        body = {"model": "hashing-1536", "input": texts, "encoding_format": "base64"}
        async with self._slots:
            while True:
                async with self._session.post("embeddings", json=body) as response:
                    if response.status != HTTPStatus.TOO_MANY_REQUESTS:
                        response.raise_for_status()
                        return [_vector(item["embedding"]) for item in (await response.json())["data"]]
                await asyncio.sleep(int(response.headers["retry-after-ms"]) / 1000)


class LlamaEmbedding(BaseEmbedding):
    """The service as LlamaIndex wants it."""

    _service: Service = PrivateAttr()

    @classmethod
    def of(cls, service: Service) -> "LlamaEmbedding":
        """LlamaIndex batches the texts and sends this many batches at once."""
        made = cls(embed_batch_size=BATCH_TEXTS, num_workers=REQUESTS_AT_ONCE)
        made._service = service
        return made

    async def _aget_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return await self._service.embed(texts)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return (await self._service.embed([query]))[0]

    def _get_text_embedding(self, text: str) -> list[float]:
        raise NotImplementedError(text)

    def _get_query_embedding(self, query: str) -> list[float]:
        raise NotImplementedError(query)


class LangChainEmbeddings(Embeddings):
    """The service as LangChain wants it, which leaves the batches to it."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        """The vectors of texts, several requests at once."""
        starts = range(0, len(texts), BATCH_TEXTS)
        batches = [self._service.embed(texts[start : start + BATCH_TEXTS]) for start in starts]
        return [vector for batch in await asyncio.gather(*batches) for vector in batch]

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Not used: the benchmark runs what is asynchronous."""
        raise NotImplementedError(texts)

    def embed_query(self, text: str) -> list[float]:
        """Not used either."""
        raise NotImplementedError(text)


def llama_index(service: Service, store: BasePydanticVectorStore) -> Ingest:
    """The pipeline with a document store and UPSERTS, as its guide to document management recommends."""
    splitter = SentenceSplitter(chunk_size=CHUNK_TOKENS, chunk_overlap=OVERLAP_TOKENS, tokenizer=_encode)
    pipeline = IngestionPipeline(
        transformations=[splitter, LlamaEmbedding.of(service)],
        docstore=SimpleDocumentStore(),
        docstore_strategy=DocstoreStrategy.UPSERTS,
        vector_store=store,
        disable_cache=True,  # it keeps every chunk once more, and the document store knows what is unchanged
    )

    async def ingest(texts: Texts) -> object:
        documents = [LlamaDocument(text=text, id_=source) for source, text in texts.items()]
        return await pipeline.arun(documents=documents)

    return ingest


def lang_chain(store: VectorStore) -> Ingest:
    """Its index() with a record manager and incremental clean-up."""
    records = InMemoryRecordManager("benchmark")
    records.create_schema()
    splitter = RecursiveCharacterTextSplitter(
        chunk_size=CHUNK_TOKENS,
        chunk_overlap=OVERLAP_TOKENS,
        length_function=lambda text: len(_encode(text)),
    )

    async def ingest(texts: Texts) -> object:
        whole = [Document(text, metadata={"source": source}) for source, text in texts.items()]
        return await aindex(
            splitter.split_documents(whole),
            records,
            store,
            batch_size=INDEX_BATCH,
            cleanup="incremental",
            source_id_key="source",
            key_encoder="blake2b",
        )

    return ingest


def read_by_llama_index(folder: Path) -> Texts:
    """The files as its reader of folders reads them."""
    texts: dict[str, list[str]] = {}
    for part in SimpleDirectoryReader(str(folder), recursive=True).load_data():
        texts.setdefault(part.metadata["file_path"], []).append(part.text)
    return {source: "\n".join(parts) for source, parts in texts.items()}


def read_by_lang_chain(folder: Path) -> Texts:
    """The files as its loaders read them.

    What a loader parts into pages or rows is put together again: a vector for each row would be many more.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(file): "\n".join(part.page_content for part in _loader(file).load()) for file in files}


def _loader(file: Path) -> BaseLoader:
    loaders: dict[str, Callable[[str], BaseLoader]] = {
        ".csv": CSVLoader,
        ".docx": Docx2txtLoader,
        ".html": BSHTMLLoader,
        ".json": partial(JSONLoader, jq_schema=".[].remark"),
        ".pdf": PyPDFLoader,
    }
    return loaders.get(file.suffix, TextLoader)(str(file))


@asynccontextmanager
async def opened(name: str, service: Service, cosmos: Sequence[str]) -> AsyncIterator[Ingest]:
    """The peer of that name; `cosmos` are endpoint and key."""
    embeddings = LangChainEmbeddings(service)
    if name == "llama_index":
        yield llama_index(service, SimpleVectorStore())
        return
    if name == "lang_chain":
        yield lang_chain(InMemoryVectorStore(embeddings))
        return
    # Imported here, so that what works in memory does not pay for it.
    from benchmarks.embed_stores import lang_chain_cosmos, llama_index_cosmos  # noqa: PLC0415

    if name == "llama_index_cosmos":
        yield llama_index(service, llama_index_cosmos(*cosmos))
        return
    endpoint, key = cosmos
    async with lang_chain_cosmos(endpoint, key, embeddings) as store:
        yield lang_chain(store)


async def main(name: str, endpoint: str, key: str, *cosmos: str) -> None:
    """Serves until the input ends."""
    headers = {"Authorization": f"Bearer {key}"}
    read = read_by_llama_index if name.startswith("llama_index") else read_by_lang_chain
    async with (
        aiohttp.ClientSession(f"{endpoint}/", headers=headers) as session,
        opened(name, Service(session), cosmos) as ingest,
    ):
        print("ready", flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            path = Path(line.strip())
            await ingest(json.loads(path.read_text()) if path.suffix else read(path))  # noqa: ASYNC240 - nothing else runs
            print("done", flush=True)


def _vector(text: str) -> list[float]:
    vector: list[float] = np.frombuffer(base64.b64decode(text), dtype=np.float32).tolist()
    return vector


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
