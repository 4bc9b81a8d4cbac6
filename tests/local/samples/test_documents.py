from pathlib import PurePosixPath

import pytest
from azure.storage.blob import BlobServiceClient

from local.emulators.azurite import Azurite
from local.samples.documents import CONTAINER, SampleDocument, documents, remove_others, upload
from shared_code.documents.document import DocumentLimits
from shared_code.documents.errors import DocumentError
from shared_code.documents.extraction import extract

SAMPLES = documents()
by_path = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.path)


@by_path
def test_sample_gives_text_exactly_if_it_says_so(sample: SampleDocument) -> None:
    try:
        readable = bool(extract(sample.path, sample.content, DocumentLimits()).segments)
    except DocumentError:
        readable = False

    assert readable == sample.readable


def test_there_is_a_readable_sample_of_every_common_kind() -> None:
    kinds = {PurePosixPath(sample.path).suffix.removeprefix(".") for sample in SAMPLES if sample.readable}

    assert kinds == {"csv", "docx", "html", "json", "jsonl", "md", "pdf", "txt", "xlsx"}


def test_table_of_a_sample_is_found_in_docx_xlsx_and_csv() -> None:
    texts = {
        sample.path: extract(sample.path, sample.content, DocumentLimits())
        for sample in SAMPLES
        if sample.readable
    }

    for path, words in {
        "handbook/cranes.docx": "wire ropes",
        "registers/inspections.xlsx": "fender worn",
        "registers/berths.csv": "E8",
    }.items():
        assert any(words in segment.text for segment in texts[path].segments), path


def test_samples_are_written_once_and_again_only_where_they_differ(storage: Azurite) -> None:
    with BlobServiceClient.from_connection_string(storage.connection_string) as blobs:
        upload(blobs)
        assert upload(blobs) == 0

        container = blobs.get_container_client(CONTAINER)
        container.upload_blob(SAMPLES[0].path, b"edited by hand", overwrite=True)
        container.delete_blob(SAMPLES[1].path)

        assert upload(blobs) == 2
        assert container.download_blob(SAMPLES[0].path).readall() == SAMPLES[0].content


def test_documents_of_an_earlier_release_go(storage: Azurite) -> None:
    with BlobServiceClient.from_connection_string(storage.connection_string) as blobs:
        upload(blobs)
        container = blobs.get_container_client(CONTAINER)
        container.upload_blob("broken/of-an-earlier-release.json", b"{", overwrite=True)
        remove_others(blobs)
        assert list(container.list_blob_names()) == [sample.path for sample in SAMPLES]
