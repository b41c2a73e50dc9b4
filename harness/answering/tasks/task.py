"""Tasks become items: lm-eval reads the task and makes its prompts, we keep what raters need.

A task of the catalogue is a folder with a `task.yaml` of lm-eval. What lm-eval has no key for stands under
`metadata: harness:`: the family, which field is the item's id, the criteria, the raters that fit, and the fields that
they need.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from harness.answering.tasks.conversation import Conversation, turns_of, with_system, written
from harness.answering.tasks.definitions import (
    check_functions,
    find_definition,
    lm_eval_folder,
    make_lm_task,
    quiet_lm_eval,
)
from harness.answering.tasks.generative import choices_of, generative
from harness.answering.tasks.groups import leaves_of
from harness.answering.tasks.hub import Origin, tracing
from harness.catalog import Catalog
from harness.errors import HarnessError
from harness.records import Family, Item, digest
from harness.suite import ModelUse, TaskUse, fitted

FEWSHOT_SEED = 1234
"""lm-eval's own default, so that examples in prompts are the same."""


class TaskFacts(BaseModel):
    """What `metadata: harness:` of a task.yaml says."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    family: Family = "other"
    id: str | None = None
    """The field with the item's id; its position in the data where not given."""
    criteria: list[str] = Field(default_factory=list)
    """What raters may rate its answers on."""
    raters: list[str] = Field(default_factory=list)
    """Raters of the catalogue that fit, the one that scores it first."""
    context: str | None = None
    """The field with the text that an answer is about, a passage to summarize for example."""
    references: str | None = None
    """The field with the reference answer or answers."""
    cluster: str | None = None
    """The field whose value items share that are not independent: a document, a template."""
    keep: list[str] = Field(default_factory=list)
    """Fields that go into the item's metadata, for raters."""
    generator: str | None = None
    """`package.module:function` that makes items without end, for learners: `harness.learning.problems`."""
    limits: dict[str, float] = Field(default_factory=dict)
    """What a program may use while it is verified: `seconds`, `memory_mb`, `message_mb`."""


@dataclass
class Task:
    """A task that is ready to be answered: lm-eval's task, our facts, and the items with the requests that ask them."""

    name: str
    facts: TaskFacts
    lm_task: Any
    """lm-eval's `ConfigurableTask`."""
    items: list[Item] = field(default_factory=list)
    docs: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    """Each item's position in the data and its fields, as lm-eval sees them."""
    card: str | None = None
    data: list[Origin] = field(default_factory=list)
    """Where its data come from."""
    _requests: dict[tuple[str | None, bool], dict[str, list[Any]]] = field(default_factory=dict)

    @property
    def output_type(self) -> str:
        """lm-eval's output type: `multiple_choice`, `generate_until`, ..."""
        return str(self.lm_task.OUTPUT_TYPE)

    @property
    def requests(self) -> dict[str, list[Any]]:
        """For each item id lm-eval's `Instance`s: one a choice for multiple choice, otherwise one."""
        return self._asked(None, False)

    def requests_for(self, who: ModelUse, converses: bool = False) -> dict[str, list[Any]]:
        """Return the requests as a model is asked them: with its system prompt, and as messages where it wants them.

        Args:
            who: The model.
            converses: Whether the model takes messages where it generates.
        """
        messages = who.chat_template or (converses and self.output_type == "generate_until")
        return self._asked(who.system_prompt, messages)

    def _asked(self, system_prompt: str | None, messages: bool) -> dict[str, list[Any]]:
        key = (system_prompt, messages)
        if key not in self._requests:
            self.lm_task.set_fewshot_seed(seed=FEWSHOT_SEED)
            with quiet_lm_eval():
                groups = [_ask(self.lm_task, self.name, position, doc, *key)[1] for position, doc in self.docs]
            self._requests[key] = {item.item_id: group for item, group in zip(self.items, groups, strict=True)}
        return self._requests[key]


def load_task(use: TaskUse, catalog: Catalog, limit: int | None = None, pins: Mapping[str, str] | None = None) -> Task:
    """Load a task with its items and requests.

    Args:
        use: How the suite uses the task.
        catalog: Where it is looked for; see `find_definition`.
        limit: At most so many items.
        pins: Revisions of data sets, by their hub id: those that an earlier part of the run was made with.

    Raises:
        HarnessError: There is no such task, its YAML is broken, or its data cannot be loaded.
    """
    path = find_definition(use.task, catalog)
    with tracing(pins) as origins:
        lm_task, declared = make_lm_task(path)
    if use.num_fewshot is not None:
        lm_task.set_config(key="num_fewshot", value=use.num_fewshot)
    facts = fitted(TaskFacts, declared, f"{path}: metadata: harness: ")
    asked = generative(lm_task, f"{use.task} ({path})") if use.how == "generate" else lm_task
    task = Task(use.called, facts, asked, card=_card(path), data=origins)
    task.docs = list(lm_task.doc_iterator(limit=limit))
    asked.set_fewshot_seed(seed=FEWSHOT_SEED)
    requests = {}
    for position, doc in task.docs:
        if facts.id is not None and facts.id not in doc:
            raise HarnessError(f"{path}: the data have no field {facts.id!r} (metadata: harness: id)")
        item_id = str(doc[facts.id]) if facts.id is not None else str(position)
        if item_id in requests:
            raise HarnessError(f"{path}: two items have the id {item_id!r} (metadata: harness: id: {facts.id})")
        try:
            context, requests[item_id] = _ask(asked, task.name, position, doc)
        except HarnessError as error:
            raise HarnessError(f"{path}: item {item_id!r}: {error}") from error
        task.items.append(_item(task, lm_task, item_id, doc, context, path))
    task._requests[(None, False)] = requests
    return task


def check_task(name: str, catalog: Catalog, build: bool = False) -> None:
    """Check that a task is in the catalogue or among lm-eval's own, without loading it.

    Args:
        name: The task's name.
        catalog: Where it is looked for.
        build: Import the functions that its definition names, where it is not lm-eval's own.

    Raises:
        HarnessError: It is neither; says which is near. Or a function cannot be imported.
    """
    if leaves_of(name, catalog, {}) is not None:
        return
    path = find_definition(name, catalog)
    if build and lm_eval_folder() not in path.resolve().parents:
        check_functions(path)


def _ask(
    lm_task: Any, name: str, position: int, doc: dict[str, Any], system: str | None = None, messages: bool = False
) -> tuple[Any, list[Any]]:
    """Return the prompt of an item, and lm-eval's requests that ask it."""
    if lm_task.OUTPUT_TYPE == "generate_until" and (turns := turns_of(lm_task.doc_to_text(doc))) is not None:
        return _ask_turns(lm_task, name, position, doc, with_system(system, turns), messages)
    context = lm_task.fewshot_context(
        doc,
        lm_task.config.num_fewshot or 0,
        system_instruction=system,
        apply_chat_template=messages,
        fewshot_as_multiturn=messages,
        chat_template=_conversation if messages else None,
        gen_prefix=lm_task.doc_to_prefix(doc),
    )
    made = lm_task.construct_requests(
        doc, context, metadata=(name, position, lm_task.config.repeats), apply_chat_template=messages
    )
    return context, made if isinstance(made, list) else [made]


def _ask_turns(
    lm_task: Any, name: str, position: int, doc: dict[str, Any], turns: tuple[tuple[str, str], ...], messages: bool
) -> tuple[str, list[Any]]:
    """Return the prompt of an item that is several messages as people read it, and lm-eval's request."""
    if lm_task.config.num_fewshot:
        raise HarnessError("examples cannot stand before a prompt of messages: `num_fewshot: 0`")
    begun, text = lm_task.doc_to_prefix(doc) or "", written(turns)
    asked: str | Conversation = f"{text}\n\nAssistant:{begun and ' '}{begun}" if len(turns) > 1 else text + begun
    if messages:
        asked = Conversation((*turns, ("assistant", begun)) if begun else turns, begun=bool(begun))
    made = lm_task.construct_requests(
        doc, asked, metadata=(name, position, lm_task.config.repeats), apply_chat_template=messages
    )
    return text, made if isinstance(made, list) else [made]


def _conversation(messages: list[dict[str, str]], add_generation_prompt: bool = True) -> Conversation:
    """Stand in for a model's chat template, so that a prompt and its hash do not need the model to be loaded."""
    return Conversation(tuple((part["role"], part["content"]) for part in messages), begun=not add_generation_prompt)


def _item(task: Task, lm_task: Any, item_id: str, doc: dict[str, Any], context: Any, path: Path) -> Item:
    facts = task.facts
    absent = [
        name for name in (facts.context, facts.references, facts.cluster, *facts.keep) if name and name not in doc
    ]
    if absent:
        raise HarnessError(f"{path}: the data have no field {absent[0]!r} (metadata: harness)")
    choices, prompt, target = None, context, lm_task.doc_to_target(doc)
    if lm_task.OUTPUT_TYPE == "multiple_choice":
        choices = choices_of(lm_task, doc)
    if choices is not None and lm_task.multiple_input:  # the choices are beginnings, with one end for all
        end, target = f"{lm_task.config.target_delimiter}{target}", lm_task.doc_to_text(doc)
        prompt = "\n".join(c + end for c in context) if isinstance(context, list) else context
    right = right_answers(target, choices, doc)
    references = doc[facts.references] if facts.references else None
    kept = {name: doc[name] for name in facts.keep}
    if lm_task.OUTPUT_TYPE == "generate_until" and (turns := turns_of(lm_task.doc_to_text(doc))) is not None:
        kept["messages"] = [{"role": role, "content": text} for role, text in turns]
    if task.lm_task is not lm_task:
        kept["how"] = "generate"
    if facts.limits:
        kept["limits"] = facts.limits
    contents = {
        "prompt": prompt,
        "choices": choices,
        "target": right[0] if right else None,
        "references": [references] if isinstance(references, str) else list(references or []),
        "context": str(doc[facts.context]) if facts.context else None,
        "metadata": json.dumps(kept, sort_keys=True, ensure_ascii=False, default=str),
    }
    targets = {"targets": right} if len(right) > 1 else {}
    return Item(
        task=task.name,
        item_id=item_id,
        family=facts.family,
        cluster=str(doc[facts.cluster]) if facts.cluster else None,
        content_hash=digest(contents | targets),
        **contents,
        **targets,
    )


def right_answers(target: Any, choices: list[str] | None, doc: Mapping[str, Any]) -> list[str]:
    """Return all right answers of an item, the target first, each once: texts, or indices of the choices.

    Args:
        target: What lm-eval's `doc_to_target` gives: a text, an index, a boolean, or a list of those.
        choices: The choices.
        doc: The item's fields: where a task tells right from wrong choices by labels (0 and 1), all with 1 are right.
    """
    given = list(target) if isinstance(target, list | tuple) else [] if target is None else [target]
    if choices is None:
        texts = [text for one in given if (text := _spans(one)).strip()]
        answers = _answers(doc)
        listed = list(map(_spans, answers))
        if any(isinstance(one, list | tuple) for one in answers):
            texts = listed  # DROP's own target is not among them: lm-eval reads it in `process_results` alone
        elif not texts or texts[0].strip() in listed:
            texts += listed
        kept: dict[str, str] = {}
        for text in texts:
            kept.setdefault(text.strip(), text)
        return list(kept.values())
    found = [place for one in given if (place := _place(one, choices)) is not None]
    marked = [place for labels in _labels(doc, len(choices)) for place, label in enumerate(labels) if label == 1]
    if set(found) <= set(marked):
        found += marked
    return list(dict.fromkeys(map(str, found)))


def _spans(answer: Any) -> str:
    return ", ".join(map(str, answer)) if isinstance(answer, list | tuple) else str(answer)


def _answers(doc: Mapping[str, Any]) -> list[Any]:
    """Return the answers that SQuAD, DROP and their like list in a field of that name."""
    answers = doc.get("answers")
    listed = answers.get("text") if isinstance(answers, Mapping) else answers
    return list(listed) if isinstance(listed, list | tuple) else []


def _place(target: Any, choices: list[str]) -> int | None:
    """Return the index that a target stands for: its own, that of its text, or that of its truth value."""
    if isinstance(target, str) and target not in choices and target.isdecimal():
        target = int(target)
    if isinstance(target, str):
        return choices.index(target) if target in choices else None
    return int(target) if isinstance(target, int | float) and 0 <= int(target) < len(choices) else None


def _labels(doc: Mapping[str, Any], count: int) -> Iterator[list[int]]:
    for field_value in doc.values():
        labels = field_value.get("labels") if isinstance(field_value, Mapping) else None
        if isinstance(labels, list) and len(labels) == count and set(labels) <= {0, 1} and 1 in labels:
            yield labels


def _card(path: Path) -> str | None:
    card = path.parent / "README.md"
    return card.read_text(encoding="utf-8") if card.is_file() else None
