"""What the headers of a table say: whose ratings a column holds and on which criterion, or that it holds none."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

NEVER = re.compile(
    r"((source|target|src|tgt)?[_\s]?lang|unnamed: \d+|index|row|n|mean|avg|average|median|std|sd|stdev|sum|total|"
    r"majority|consensus|adjudicated|resolved|aggregated?|max|min|best|worst|page|pages|batch|block|fold|trial|attempt|"
    r"order|position|year|month|age|gender)([_\s](score|rating|label|grade|value|vote|number|no|id))?|"
    r"(n|num|number|len|mean|avg|majority|consensus)[_\s].*",
    re.IGNORECASE,
)
"""Names of columns that nobody gives to a rater."""
MEASURES = {
    "id", "ids", "uuid", "hash", "url", "date", "time", "times", "timestamp", "latency", "duration", "elapsed", "ms",
    "sec", "secs", "second", "seconds", "minutes", "mins", "hours", "cost", "costs", "price", "usd", "cents", "tokens",
    "token", "words", "wordcount", "chars", "characters", "length", "len", "count", "counts", "edits", "comment",
    "comments", "note", "notes", "rationale", "rationales", "explanation", "explanations", "reason", "reasons",
    "feedback", "prompt", "response", "text", "answer", "output", "completion", "generation", "summary", "instruction",
    "input", "context", "article", "email", "ip", "seed", "round", "step", "epoch", "version", "split", "subset",
    "category", "source", "language", "domain", "topic", "status", "attempts", "tries", "retries", "perplexity",
    "ppl", "logprob", "logprobs", "temperature", "confidence", "certainty", "session", "browser", "device", "weight",
    "weights", "spent", "taken", "messages", "conversation", "dialogue", "history", "metadata", "tools", "contexts",
    "documents", "cluster", "week", "weekday", "day", "hour", "agreement", "disagreement", "range", "spread",
    "variance", "entropy", "kappa", "avg", "mean", "average", "median", "std", "stdev", "similarity", "channel",
    "country", "region", "city", "nationality", "education", "occupation", "ethnicity",
}  # fmt: skip
"""Words with which the names of columns end that measure something else, or say something in words."""
SHORT = 4
"""A unit of so few letters may stand behind such a word (`time_ms`, `duration_min`)."""
SETTLED = re.compile(
    r"(final|gold|golden|ground[_\s-]?truth|gt|truth|reference|expected|target|correct|resolution|adjudication|"
    r"adjudicator|official|curated|agreed)([_\s-](score|rating|label|grade|value|answer|standard|class|annotation|"
    r"decision))?|label|endergebnis|endurteil|konsens|mehrheit|goldstandard|consensus final|majorité|référence|vérité|"
    r"mayoría|consenso|definitivo|etiqueta final|maggioranza|最终|最终标签|最终结果|金标准|多数|共识|標準|"
    r".+[_\s:](gold|golden|consensus|adjudicated|majority|final)",
    re.IGNORECASE,
)
"""Names of columns that hold what was settled in the end, beside what each rater said."""
OF_ITEMS = {"difficulty", "level", "type", "priority", "condition", "class", "group", "genre", "section"}
"""Names of columns that say something of the item, where raters are columns."""
CRITERIA = {
    "fluency", "coherence", "relevance", "consistency", "helpfulness", "harmlessness", "honesty", "correctness",
    "accuracy", "quality", "overall", "style", "clarity", "completeness", "faithfulness", "factuality", "factual",
    "truthfulness", "safety", "toxicity", "complexity", "verbosity", "conciseness", "informativeness", "grammar",
    "adequacy", "naturalness", "readability", "usefulness", "usability", "creativity", "tone", "score", "rating",
    "grade", "label", "preference", "groundedness", "relevancy", "precision", "recall", "similarity", "hallucination",
    "bias", "politeness", "empathy", "engagement", "engagingness", "soundness", "novelty", "depth", "coverage",
}  # fmt: skip
"""Words for what is rated, which are no names of raters."""
RATER = re.compile(
    r"(rater|annotator|worker|user|coder|judge|human|expert|r|a)[_\W]?\d+|gpt.*|claude.*|llm.*|human|judge", re.I
)


def plain_name(name: str) -> str:
    """Return a header in one spelling: `Item ID`, `item-id` and `ItemId` are `item_id`."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[\s\-.]+", "_", spaced).strip("_").lower()


def is_named_otherwise(name: str) -> bool:
    """Return whether a column is called like something that is no rating."""
    name = re.sub(r"[([][\d\s.,/–-]*[)\]]\s*$", "", name) or name  # `Confidence (1-5)`
    parts = re.findall(r"[a-z]+|\d+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())
    last = parts[-1:] + (parts[-2:-1] if parts and len(parts[-1]) < SHORT else [])
    return bool(
        name.startswith("_")  # what a tool writes for itself
        or NEVER.fullmatch(name.strip())
        or MEASURES & {*last}
        or {*parts[:1]} & {"latency", "elapsed"}
    )


def criterion_in(name: str) -> str | None:
    """Return the word for what is rated that a column is called by, alone or after others: `answer_relevancy`."""
    last = re.split(r"[\W_]+", plain_name(name))[-1]
    return last if last in CRITERIA else None


TEXTS = {
    "answer", "response", "output", "completion", "generation", "summary", "text", "ref", "human_ref", "translation",
}  # fmt: skip
"""Words for the texts that are compared."""


def is_text(name: str) -> bool:
    """Return whether a column is called like one of two texts that are compared: `answer_0`, `human_ref_A`."""
    return re.sub(r"_?[a-z0-9]$", "", plain_name(name)) in TEXTS


def is_rater(name: str) -> bool:
    """Return whether a name is one that only raters have: `rater_1`, `gpt-4o`, `human`."""
    return RATER.fullmatch(name.strip()) is not None


def is_beside(name: str) -> bool:
    """Return whether a column beside those of raters is called like what was settled in the end, or like an item's."""
    return bool(SETTLED.fullmatch(name.strip())) or plain_name(name) in OF_ITEMS


def grid_of(names: Sequence[str]) -> tuple[dict[str, tuple[str, str]], dict[str, tuple[str, str]]]:
    """Return the rater and the criterion in each header, where headers are those of all raters by all criteria.

    Source: `alice_fluency`, `bob_fluency`, `alice_relevance`, `bob_relevance`. Numbers are no criteria (`rater_1`).
    Second, the headers of what may be raters of some of the criteria only.
    """
    for mark in (" - ", ": ", "__", "_", "-", ".", ":", "|", "/", "(", " "):
        for halve in (str.rpartition, str.partition):
            split = {
                name: (first.strip(), second.strip(" )"))
                for name in names
                for first, _, second in [halve(name, mark)]
                if first and second
            }
            if found := _full(_crossed(split)):
                return found, _of_some(split, found)
    return {}, {}


def _of_some(split: dict[str, tuple[str, str]], grid: dict[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """Return the headers of those who rated some of a grid's criteria only."""
    raters, criteria = ({pair[side] for pair in grid.values()} for side in (0, 1))
    turned = next(iter(grid.items()))[1] != split[next(iter(grid))]
    rest = {name: pair[::-1] if turned else pair for name, pair in split.items() if name not in grid}
    return {name: (who, what) for name, (who, what) in rest.items() if what in criteria and who not in raters}


def _crossed(split: dict[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """Return the headers both of whose halves stand in others too."""
    while True:
        first, second = (Counter(pair[side] for pair in split.values()) for side in (0, 1))
        kept = {name: pair for name, pair in split.items() if first[pair[0]] > 1 and second[pair[1]] > 1}
        if len(kept) == len(split):
            return kept
        split = kept


def _are_raters(names: set[str]) -> int:
    """Return how sure it is that names are raters': 2 for sure, 1 perhaps, 0 where one is a word for a criterion."""
    if all(RATER.fullmatch(name) for name in names):
        return 2
    return 0 if any(name.casefold() in CRITERIA for name in names) else 1


def _full(split: dict[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    firsts, seconds = ({pair[side] for pair in split.values()} for side in (0, 1))
    if not split or len(split) != len(firsts) * len(seconds):
        return {}
    counted, others = sorted((firsts, seconds), key=lambda parts: not all(part.isdigit() for part in parts))
    rated = len(others) > 1 and all(part.casefold() in CRITERIA for part in others)  # `fluency_1`, `tone_1`
    if any(part.isdigit() for part in firsts | seconds) and not (rated and all(part.isdigit() for part in counted)):
        return {}
    if rated and counted is seconds:
        return {name: (second, first) for name, (first, second) in split.items()}
    if _are_raters(seconds) > _are_raters(firsts):
        return {name: (second, first) for name, (first, second) in split.items()}
    return split
