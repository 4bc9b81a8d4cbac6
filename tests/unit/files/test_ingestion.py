"""One page of files into the index, with files, index and embeddings service in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from shared_code.activities.failures import failed
from shared_code.documents import DocumentLimits, ReaderLost
from shared_code.embeddings.client import EmbeddingRefused
from shared_code.files import ingestion
from shared_code.index.records import IndexConflict, NewChunk
from shared_code.jobs import Trouble
from tests.unit.embedding_fakes import JOB, Crash, FakeEmbeddings, FakeIndex, World, prose

LARGE_CHUNKS = replace(JOB, plan=replace(JOB.plan, chunk_tokens=256))


def section(heading: str) -> str:
    return f"# Handbook\n\n## {heading}\n\n{prose('trains', sentences=90)}\n\n"


@pytest.fixture
def world():
    made = World()
    made.files.put("a.txt", prose("apples"))
    made.files.put("b.txt", prose("bears"))
    return made


async def test_new_files_are_embedded_in_one_batch_across_files(world):
    result = await world.embed()

    chunks = sum(map(len, world.index.texts().values()))
    assert set(world.index.texts()) == {"docs/a.txt", "docs/b.txt"}
    assert result.counts == {"completed": 2, "chunks": chunks, "tokens": 10 * chunks, "requests": 1}
    assert len(world.embeddings.batches) == 1


async def test_batches_keep_to_the_tokens_of_a_request(world):
    await world.embed(tokens_per_request=64)

    assert len(world.embeddings.batches) > 5
    assert max(map(len, world.embeddings.batches)) <= 4


async def test_requests_for_a_large_file_are_full_to_the_last(world):
    world.files.put("large.txt", prose("lakes", sentences=6_000))
    await world.embed("large.txt", tokens_per_request=15_000)

    *full, _ = [sum(map(len, batch)) for batch in world.embeddings.batches]
    assert len(full) > 3
    assert min(full) > 0.9 * max(full)


async def test_record_is_opened_before_the_first_chunk_and_completed_after_the_last(world):
    await world.embed("a.txt")

    first, *middle, last = world.index.writes
    assert (first, last, set(middle)) == ("open docs/a.txt", "save docs/a.txt", {"write docs/a.txt"})


async def test_new_chunks_are_written_before_stale_ones_are_deleted(world):
    await world.embed("a.txt")
    world.index.writes.clear()
    world.files.put("a.txt", prose("avocados"))
    await world.embed("a.txt", job_id="later")

    kinds = [write.split()[0] for write in world.index.writes]
    assert kinds == sorted(kinds, key=["open", "write", "move", "delete", "save"].index)
    assert "delete" in kinds


async def test_edit_embeds_only_the_changed_chunks_and_moves_the_others(world):
    larger = replace(JOB, plan=replace(JOB.plan, chunk_tokens=96))
    world.files.put("a.txt", prose("apples", sentences=200))
    await world.embed("a.txt", job=larger)
    world.embeddings.batches.clear()
    world.files.put("a.txt", "Something new comes first. " * 20 + prose("apples", sentences=200))
    await world.embed("a.txt", job_id="later", job=larger)

    chunks = world.index.items["docs/a.txt"].values()
    assert 0 < world.embeddings.inputs < len(chunks) / 2
    assert sorted(chunk.place.ordinal for chunk in chunks) == list(range(len(chunks)))


async def test_content_that_is_the_same_is_skipped_with_its_new_etag(world):
    await world.embed("a.txt")
    world.embeddings.batches.clear()
    record = world.index.known_records["docs/a.txt"]
    world.index.known_records["docs/a.txt"] = replace(record, etag="before")
    result = await world.embed("a.txt", job_id="later")

    assert result.counts == {"skipped": 1}
    assert world.embeddings.batches == []
    assert world.index.known_records["docs/a.txt"].etag == world.files.listed("a.txt").etag


async def test_page_that_runs_twice_counts_the_same_and_writes_nothing(world):
    first = await world.embed()
    writes = list(world.index.writes)
    second = await world.embed()

    assert second.counts == first.counts
    assert world.index.writes == writes


async def test_page_that_is_stopped_counts_what_it_has_paid_for(world):
    world.embeddings.unusable_after = 8
    result = await world.embed(tokens_per_request=64)

    stored = [chunk for chunks in world.index.items.values() for chunk in chunks.values()]
    assert result.error is not None
    assert result.counts["chunks"] == len(stored) > 0
    assert result.counts["tokens"] == sum(chunk.tokens for chunk in stored)
    assert result.counts["requests"] == sum(chunk.requests for chunk in stored)


async def test_vectors_that_came_before_the_service_failed_are_written(world):
    world.embeddings.crash_after = 8
    result = await world.embed(tokens_per_request=64)

    assert isinstance(result.error, Crash)
    written = sum(map(len, world.index.items.values()))
    assert written == sum(map(len, world.embeddings.batches)) > 0


class OneSourceRefused(FakeIndex):
    """An index of which one partition takes no chunks."""

    async def write(self, chunks: Sequence[NewChunk]) -> None:
        if chunks[0].source == "docs/a.txt":
            raise Crash
        await super().write(chunks)


async def test_vectors_that_are_paid_for_are_written_although_another_source_cannot_be(world, monkeypatch):
    monkeypatch.setattr(ingestion, "_TEXTS_PER_PORTION", 4)
    world.index = OneSourceRefused()
    result = await world.embed(tokens_per_request=64)

    embedded = [text for batch in world.embeddings.batches for text in batch]
    assert isinstance(result.error, Crash)
    assert len(world.index.items["docs/b.txt"]) == sum("bears" in text for text in embedded) > 0
    assert not result.counts["completed"]


async def test_sources_of_a_page_are_opened_and_completed_together(world):
    await world.embed()

    opened, completed = ["open docs/a.txt", "open docs/b.txt"], ["save docs/a.txt", "save docs/b.txt"]
    assert (world.index.writes[:2], world.index.writes[-2:]) == (opened, completed)


async def test_copied_file_gets_the_vectors_of_its_like(world):
    await world.embed("a.txt")
    world.embeddings.batches.clear()
    world.files.put("copy.txt", prose("apples"))
    result = await world.embed("copy.txt", job_id="later")

    assert world.embeddings.batches == []
    assert result.counts["tokens"] == 0
    assert world.index.texts()["docs/copy.txt"] == world.index.texts()["docs/a.txt"]


async def test_chunks_move_to_another_container_with_their_vectors(world):
    await world.embed()
    before, world.previous, world.index = world.index.items, world.index, FakeIndex()
    world.embeddings.batches.clear()
    world.files.put("b.txt", f"{prose('bears')} One that is new.")
    result = await world.embed(job_id="move")

    assert world.index.items["docs/a.txt"].keys() == before["docs/a.txt"].keys()
    assert result.counts["tokens"] == 10 * world.embeddings.inputs
    assert 0 < world.embeddings.inputs < len(before["docs/b.txt"])
    assert world.embeddings.batches[-1][-1].endswith("One that is new.")


async def test_chunk_is_embedded_below_what_it_stands_under_and_stored_as_it_is(world):
    world.files.put("c.md", section("Travel"))
    await world.embed("c.md", job=LARGE_CHUNKS)
    texts = {text for batch in world.embeddings.batches for text in batch}
    first, *others = world.index.texts()["docs/c.md"]

    assert {first, *(f"Handbook > Travel\n\n{text}" for text in others)} == texts
    assert {chunk.context for chunk in world.index.items["docs/c.md"].values()} == {"", "Handbook > Travel"}


async def test_renamed_heading_embeds_its_section_again_and_a_renamed_file_nothing(world):
    world.files.put("c.md", section("Travel"))
    await world.embed("c.md", job=LARGE_CHUNKS)
    world.files.put("c.md", section("Journeys"))
    world.files.put("d.md", section("Journeys"))
    first = await world.embed("c.md", job_id="2", job=LARGE_CHUNKS)
    second = await world.embed("d.md", job_id="3", job=LARGE_CHUNKS)

    assert first.counts["chunks"] == len(world.index.items["docs/c.md"]) > 2
    assert second.counts["tokens"] == 0
    assert world.index.texts()["docs/d.md"] == world.index.texts()["docs/c.md"]


async def test_same_text_below_another_heading_has_a_vector_of_its_own(world):
    both = section("Travel") + section("Leave").removeprefix("# Handbook")
    world.files.put("c.md", both)
    await world.embed("c.md", job=LARGE_CHUNKS)
    contexts = {chunk.context for chunk in world.index.items["docs/c.md"].values()}

    assert {"Handbook > Travel", "Handbook > Leave"} <= contexts


async def test_text_that_two_new_files_share_is_embedded_once(world):
    world.files.put("twin.txt", prose("apples"))
    result = await world.embed("a.txt", "twin.txt")

    assert world.index.texts()["docs/a.txt"] == world.index.texts()["docs/twin.txt"]
    assert 2 * world.embeddings.inputs == result.counts["chunks"]
    assert result.counts["tokens"] == 10 * world.embeddings.inputs
    assert result.counts["requests"] == len(world.embeddings.batches)


async def test_repeated_text_in_a_file_is_a_chunk_for_each_time(world):
    world.files.put("rows.csv", "name,city\n" + "ann,oslo\n" * 200)
    await world.embed("rows.csv")

    texts = world.index.texts()["docs/rows.csv"]
    assert sum(text.count("ann") for text in texts) == 200
    assert len(texts) > len(set(texts)) == world.embeddings.inputs


async def test_chunks_of_another_size_take_the_place_of_the_first_ones(world):
    await world.embed("a.txt")
    before = set(world.index.items["docs/a.txt"])
    larger = replace(JOB, plan=replace(JOB.plan, chunk_tokens=64))
    await world.embed("a.txt", job_id="later", job=larger)

    assert before.isdisjoint(world.index.items["docs/a.txt"])
    assert len(before) > len(world.index.items["docs/a.txt"])


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("picture.png", "x", "UnsupportedKind"),
        ("empty.txt", "", "EmptyDocument"),
        ("large.txt", "x" * 3_000, "FileTooLarge"),
        ("broken.pdf", "no pdf", "BrokenDocument"),
    ],
)
async def test_file_without_text_is_a_ledger_entry_and_no_other_suffers(world, name, text, code):
    world.files.put(name, text)
    result = await world.embed(limits=DocumentLimits(file_bytes=2_900))

    assert [(entry.source, entry.code) for entry in result.ledger] == [(f"docs/{name}", code)]
    assert result.counts["completed"] == 2
    assert result.counts["failed"] == 1


HALF_READ = '{"id": 1}\n{"id": 2}\n{"id": 3, "te'


async def test_what_was_not_read_of_a_file_is_in_the_ledger_and_the_file_has_not_failed(world):
    world.files.put("log.jsonl", HALF_READ)
    result = await world.embed()

    assert [(entry.source, entry.code) for entry in result.ledger] == [("docs/log.jsonl", "RecordsNotRead")]
    assert (result.counts["completed"], result.counts["notes"], result.counts["failed"]) == (3, 1, 0)


async def test_page_that_runs_twice_has_the_same_ledger(world):
    world.files.put("log.jsonl", HALF_READ)
    first, second = await world.embed(), await world.embed()

    assert second.ledger == first.ledger
    assert second.counts == first.counts


async def test_file_that_is_skipped_says_nothing_again(world):
    world.files.put("log.jsonl", HALF_READ)
    await world.embed()
    for job_id in ("later", "later"):
        result = await world.embed("log.jsonl", job_id=job_id)
        assert (result.counts, result.ledger) == ({"skipped": 1}, [])


async def test_reader_that_is_lost_blames_no_file(world, monkeypatch):
    async def lose(*_file, **_sizes):
        raise ReaderLost

    monkeypatch.setattr("shared_code.files.planner.read_file", lose)
    with pytest.raises(ReaderLost) as lost:
        await world.embed()
    assert failed(lost.value, {}, now=datetime.now(UTC)).trouble == Trouble(service="reader")


async def test_file_that_was_emptied_is_found_no_longer_and_stays_in_the_ledger(world):
    await world.embed()
    world.files.put("a.txt", " ")
    results = [await world.embed("a.txt", job_id=job) for job in ("later", "last")]

    assert set(world.index.texts()) == {"docs/b.txt"}
    assert [entry.code for result in results for entry in result.ledger] == ["EmptyDocument"] * 2


async def test_unsupported_file_is_not_even_read(world):
    world.files.put("film.mp4", "x")
    await world.embed("film.mp4")

    assert world.files.reads == []


async def test_file_that_vanished_after_the_listing_is_a_ledger_entry(world):
    files = [world.files.listed(name) for name in ("a.txt", "b.txt")]
    del world.files.texts["a.txt"]
    result = await world.embed_listed(files)

    assert [entry.code for entry in result.ledger] == ["FileVanished"]
    assert set(world.index.texts()) == {"docs/b.txt"}


async def test_refused_chunk_fails_its_file_only_and_keeps_what_was_indexed(world):
    await world.embed("a.txt")
    before = world.index.texts()["docs/a.txt"]
    world.files.put("a.txt", prose("avocados"))
    world.embeddings.failing["Sentence 20 tells one more thing about avocados"] = EmbeddingRefused()
    result = await world.embed(job_id="later")

    assert [(entry.source, entry.code) for entry in result.ledger] == [("docs/a.txt", "EmbeddingRefused")]
    assert set(before) <= set(world.index.texts()["docs/a.txt"])
    assert not world.index.known_records["docs/a.txt"].is_complete
    assert world.index.known_records["docs/b.txt"].is_complete


async def test_file_whose_chunk_was_refused_is_completed_by_the_next_run(world):
    refused = "Sentence 20 tells one more thing about apples"
    world.embeddings.failing[refused] = EmbeddingRefused()
    await world.embed("a.txt")
    world.embeddings = FakeEmbeddings()
    result = await world.embed("a.txt", job_id="later")

    assert world.embeddings.inputs == result.counts["chunks"] == 1
    assert world.index.known_records["docs/a.txt"].is_complete


async def test_source_that_another_job_wrote_meanwhile_is_a_conflict(world):
    await world.embed("a.txt")
    world.files.put("a.txt", prose("avocados"))
    before = world.index.known_records["docs/a.txt"]

    async def read_late(sources):
        world.index.known_records["docs/a.txt"] = replace(before, revision="another")
        return {"docs/a.txt": before}

    world.index.records = read_late
    with pytest.raises(IndexConflict):
        await world.embed("a.txt", job_id="later")


async def test_job_that_finds_a_source_half_written_takes_it_over(world):
    world.index.crash_after = 3
    with pytest.raises(Crash):
        await world.embed("a.txt", job_id="slow")
    world.index.crash_after = None
    abandoned = world.index.known_records["docs/a.txt"]
    await world.embed("a.txt", job_id="quick")

    with pytest.raises(IndexConflict):
        await world.index.save([replace(abandoned, etag="of the slow one")])
    assert world.index.writes[3] == "open docs/a.txt"


async def test_crash_after_any_write_is_mended_by_a_second_run(world):
    await world.embed("a.txt")
    world.files.put("a.txt", "New here. " + prose("apples").replace("Sentence 9 ", "Sentence nine "))
    undisturbed = await final_state(world, crash_after=None)
    writes = len(undisturbed.index.writes)

    for crash_after in range(len(world.index.writes), writes):
        mended = await final_state(world, crash_after=crash_after)
        assert mended.index.texts() == undisturbed.index.texts()
        assert all(record.is_complete for record in mended.index.known_records.values())


async def test_text_that_comes_back_after_a_broken_off_deletion_is_embedded_again(world):
    await world.embed("a.txt")
    whole = world.index.texts()["docs/a.txt"]
    shortened = prose("apples").partition(whole[4])[0].rstrip()
    world.files.put("a.txt", shortened)
    world.index.crash_after = len(world.index.writes) + 3
    with pytest.raises(Crash):
        await world.embed("a.txt", job_id="broken off")
    assert world.index.writes[-2:] == ["delete docs/a.txt"] * 2
    world.index.crash_after = None
    world.files.put("a.txt", prose("apples"))
    await world.embed("a.txt", job_id="later")

    assert world.index.texts()["docs/a.txt"] == whole


async def test_crashed_page_counts_as_if_it_had_not_crashed(world):
    undisturbed = await World(world.files).embed()
    for crash_after in range(0, 30, 3):
        again = World(world.files)
        again.index.crash_after = crash_after
        with pytest.raises(Crash):
            await again.embed()
        again.index.crash_after = None
        counts = (await again.embed()).counts
        # What was answered and not written before the crash is paid for twice, and counted twice.
        assert counts.pop("requests") == len(again.embeddings.batches)
        assert counts.pop("tokens") == 10 * again.embeddings.inputs
        assert counts == {name: undisturbed.counts[name] for name in counts}


async def test_indexed_source_has_vectors_whenever_a_run_breaks_off(world):
    await world.embed("a.txt")
    chunks = len(world.index.items["docs/a.txt"])
    world.files.put("a.txt", prose("avocados"))
    await world.embed("a.txt", job_id="later")

    assert world.index.lowest["docs/a.txt"] >= chunks


async def final_state(world: World, *, crash_after: int | None) -> World:
    """The world after a job that broke off, if it did, and another one."""
    copy = World(world.files)
    copy.index.known_records = dict(world.index.known_records)
    copy.index.items = {source: dict(chunks) for source, chunks in world.index.items.items()}
    copy.index.writes = list(world.index.writes)
    copy.index.crash_after = crash_after
    if crash_after is not None:
        with pytest.raises(Crash):
            await copy.embed(job_id="broken off")
    copy.index.crash_after = None
    await copy.embed(job_id="later")
    return copy
