"""The books of a conversation: what was expected of a prompt, and, once Claude has counted, what is true.

The size of a message is the difference of two prompts, the second of which begins with all of the first.
What cannot be told apart by differences is kept as drift, so the sum is exact while nothing is cut.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from app.context import sizes, tokens
from app.context.drawing import Drawing
from app.context.rates import Rates
from app.context.state import MEMORY_OF_ANSWERS, State, mean
from app.context.tokens import NOTHING, Features, added
from app.context.values import Block, Prompt, Quotation

BELIEVABLE = (0.2, 5.0)  # truth over estimate; outside of it something else was different too
BELIEVABLE_OUTPUT = (0.5, 2.0)
DOUBT_OF_FILES = 10.0  # how much worse a guess at a file is than an estimate of a text of its size


@dataclass(frozen=True)
class Expected:
    """What a prompt was expected to be.

    `fresh` are the messages that Claude had not counted, with their expected tokens; `files` what of that is
    guessed of images and PDFs; `features` are those of the ones that are only estimated, the others take
    `told_tokens`. `guessed_tokens` are rough estimates of older ones, and `passing_tokens` are in this prompt
    only. `is_first` where nothing of it was counted before, `is_continued` where all the rest was.
    """

    fresh: Sequence[tuple[str, int]] = ()
    files: Mapping[str, int] = field(default_factory=dict)
    features: Features = NOTHING
    told_tokens: int = 0
    guessed_tokens: int = 0
    passing_tokens: int = 0
    quotation: Quotation | None = None
    quotation_tokens: int = 0
    is_first: bool = False
    is_continued: bool = False
    has_lesson: bool = False

    @property
    def fresh_tokens(self) -> int:
        """What the fresh messages were expected to take."""
        return sum(size for _, size in self.fresh)


@dataclass(frozen=True)
class Counted:
    """What Claude said of a prompt and its answer. `thinking_tokens` is None where it didn't say."""

    prompt_tokens: int
    cached_tokens: int
    output_tokens: int
    thinking_tokens: int | None = None
    content: Sequence[Block] = ()


@dataclass(frozen=True)
class Settled:
    """The state after an answer, the counted sizes of messages by id, and the answer's expected size.

    The `quotation` is what was recalled, where it stays.
    """

    state: State
    counted: Mapping[str, int] = field(default_factory=dict)
    answer_tokens: int = 0
    quotation: Quotation | None = None


def expected(of: Drawing) -> Expected:
    """What is expected of a prompt."""
    scene, state, start = of.scene, of.scene.state, of.cut.start
    kept = [at for at in scene.sizes.fresh if at >= start and not scene.past.path[at].is_instruction]
    kept = [at for at in kept if scene.sizes.tokens[at]]  # what is not sent is not counted
    guesses = [at for at in scene.sizes.guesses if at >= start and scene.past.path[at].is_rough]
    guessed = sum(scene.sizes.tokens[at] for at in guesses)
    features = scene.sizes.doubtful_from(start)
    is_first = state is None or not state.is_counted
    is_plain = not (of.has_files or of.recalled.new or scene.past.path[-1].is_instruction)
    return Expected(
        fresh=tuple((scene.past.path[at].id, scene.sizes.tokens[at]) for at in kept),
        files={scene.past.path[at].id: size for at in kept if (size := scene.sizes.files.get(at, 0))},
        told_tokens=sum(scene.sizes.tokens[at] for at in kept if at in scene.sizes.told),
        features=added(features, scene.base_features) if is_first else features,
        guessed_tokens=guessed,
        passing_tokens=of.passing_tokens,
        quotation=of.recalled.new,
        quotation_tokens=of.recalled.tokens,
        is_first=is_first,
        is_continued=of.is_continued and not is_first,
        has_lesson=is_plain and not (is_first and (guessed or of.preface.blocks)),
    )


def opened(of: Drawing) -> State:
    """The state that a prompt leaves while nothing was counted."""
    scene, old = of.scene, of.scene.state
    marked = of.marked
    return State(
        model=scene.ask.model,
        tokens_factor=scene.limits.tokens_factor,
        asked_at=scene.past.at,
        start_depth=of.kept[0].depth,
        ttl=of.ttl,
        base_digest=scene.base_digest,
        preface_digest=of.preface.digest,
        base_tokens=scene.base_tokens,
        preface_tokens=of.preface.tokens,
        drift_tokens=old.drift_tokens if old and of.is_continued else 0,
        has_learned=bool(old and old.has_learned),
        prompt_tokens=of.sources.total - of.passing_tokens,
        marked_tokens=of.sources.total - of.unmarked_tokens,
        marked_depth=-1 if marked is None else scene.past.path[marked].depth,
        newest_depth=of.newest_depth,
        thinking_tokens=of.thinking_tokens,
        thinking_messages=len(of.transcript.thinking_ids),
        tokens_a_turn=scene.tokens_a_turn,
        answer_tokens=scene.answer_tokens,
        scale=old.scale if old else 1.0,
        summary_id=of.preface.summary.id if of.preface.summary else None,
        recalled_tokens=of.recalled.kept_tokens,
        recalls_from_depth=_recalls_from(of),
        silences=scene.silences,
        rates=scene.rates,
    )


def settled(prompt: Prompt, said: Counted) -> Settled:
    """The books after an answer that Claude has counted."""
    was = prompt.expected
    quotation = was.quotation if _calls_tools(said.content) else None
    prompt = _keeping(prompt) if quotation else prompt
    state, was = prompt.state, prompt.expected
    truth = said.prompt_tokens - was.passing_tokens
    share = _share(prompt, truth)
    text_share, counted = _spread(prompt, share) if share else (1.0, {})
    all_share = text_share if was.is_first else 1.0
    base = round(state.base_tokens * all_share)
    known = state.prompt_tokens - state.base_tokens - was.fresh_tokens - was.guessed_tokens
    known += (
        base + round(was.guessed_tokens * all_share) + (sum(counted.values()) if share else was.fresh_tokens)
    )
    rates = state.rates
    if share and was.has_lesson:
        rates = rates.learned(was.features, _lesson_tokens(prompt, truth) - was.told_tokens)
    told = _told(said, rates)
    grown = truth - (state.prompt_tokens - was.fresh_tokens) if was.is_continued else state.tokens_a_turn
    new = replace(
        state,
        prompt_tokens=truth,
        is_counted=True,
        has_learned=True,
        is_answer_told=told.is_told,
        base_tokens=base,
        drift_tokens=state.drift_tokens + truth - known,
        marked_tokens=said.cached_tokens,
        tokens_a_turn=mean(state.tokens_a_turn, max(grown, 0)),
        answer_tokens=float(said.output_tokens)
        if was.is_first
        else mean(state.answer_tokens, said.output_tokens, MEMORY_OF_ANSWERS),
        scale=state.scale * all_share,
        rates=told.rates,
    )
    return Settled(new, counted, told.tokens, quotation)


def _spread(prompt: Prompt, share: float) -> tuple[float, dict[str, int]]:
    """By what the sizes of all estimates are to be multiplied, and the sizes of the fresh messages.

    Of what was not foreseen, a guess at a file takes several times as much as as many tokens of text.
    """
    was = prompt.expected
    estimated = prompt.state.prompt_tokens if was.is_first else was.fresh_tokens
    more = (share - 1) * estimated / (estimated + (DOUBT_OF_FILES - 1) * sum(was.files.values()))
    weights = {id_: size + (DOUBT_OF_FILES - 1) * was.files.get(id_, 0) for id_, size in was.fresh}
    counted = {id_: round(size + more * weights[id_]) for id_, size in was.fresh}
    if any(size < 0 for size in counted.values()):
        return share, {id_: round(size * share) for id_, size in was.fresh}
    return 1 + more, counted


def _keeping(prompt: Prompt) -> Prompt:
    """The prompt's books where what was recalled for it stays."""
    state, was = prompt.state, prompt.expected
    tokens_kept = was.quotation_tokens
    expected_now = replace(was, passing_tokens=was.passing_tokens - tokens_kept)
    state = replace(
        state,
        prompt_tokens=state.prompt_tokens + tokens_kept,
        recalled_tokens=state.recalled_tokens + tokens_kept,
    )
    return replace(prompt, state=state, expected=expected_now)


def _recalls_from(of: Drawing) -> int:
    """From which answers on quotations stay."""
    old = of.scene.state.recalls_from_depth if of.scene.state else 0
    return old if of.recalled.is_whole else of.scene.past.path[of.scene.newest].depth


def _share(prompt: Prompt, truth: int) -> float | None:
    """Truth over estimate of what was fresh; None where it cannot be told, or not be believed."""
    state, was = prompt.state, prompt.expected
    if was.is_first:
        share = truth / max(state.prompt_tokens, 1)
    elif was.is_continued and was.fresh_tokens:
        share = _lesson_tokens(prompt, truth) / was.fresh_tokens
    else:
        return None
    return share if BELIEVABLE[0] < share < BELIEVABLE[1] else None


def _lesson_tokens(prompt: Prompt, truth: int) -> int:
    """The tokens of what was fresh: what is left beside all that is known; of a first prompt, all of it."""
    state, was = prompt.state, prompt.expected
    if was.is_first:
        return truth - state.thinking_tokens
    return truth - (state.prompt_tokens - was.fresh_tokens)


@dataclass(frozen=True)
class Told:
    """An answer's size in the next prompt, whether Claude's count tells it, and what that teaches."""

    tokens: int
    is_told: bool
    rates: Rates


def _told(said: Counted, rates: Rates) -> Told:
    spoken = sizes.spoken(said.content)
    guess = rates.estimate(tokens.features_of_content(spoken))
    has_thought = len(spoken) < len(said.content)
    texts = [str(one.get("text", "")) for one in spoken if one.get("type") == "text"]
    features = tokens.features_of_text("".join(texts))
    bare, counted = rates.estimate(features), said.output_tokens - (said.thinking_tokens or 0)
    is_known = (
        bool(spoken) and len(texts) == len(spoken) and not (has_thought and said.thinking_tokens is None)
    )
    if not is_known or not BELIEVABLE_OUTPUT[0] < counted / max(bare, 1.0) < BELIEVABLE_OUTPUT[1]:
        return Told(round(guess), False, rates)
    return Told(round(guess - bare) + counted, True, rates.learned(features, counted))


def _calls_tools(content: Sequence[Block]) -> bool:
    return any(one.get("type") == "tool_use" for one in content)
