"""How texts become vectors, as the settings were when a job was submitted."""

from dataclasses import dataclass

from shared_code.jobs.account import COST_UNIT, millionths


@dataclass(frozen=True, kw_only=True)
class EmbeddingPlan:
    """How texts become vectors: what a job has to keep to from its first file to its last.

    Attributes:
        dimensions: of a vector; `None` for what the model gives by itself.
        chunk_tokens: the most tokens of a chunk.
        overlap_tokens: tokens that a chunk repeats of the one before it.
        price_per_million: of a million tokens, in whatever currency the setting is in.
        shrink_limit: the share of known sources that may be gone before nothing is deleted any more.
    """

    model: str
    dimensions: int | None
    chunk_tokens: int
    overlap_tokens: int
    price_per_million: float
    shrink_limit: float

    def cost(self, tokens: int) -> float:
        """What this number of tokens costs."""
        return tokens * self.price / COST_UNIT

    @property
    def price(self) -> int:
        """Of a token, in parts of which the currency has COST_UNIT."""
        return millionths(self.price_per_million)
