"""What `harness run` prints is what `lm_eval.simple_evaluate` finds, to the last digit, and each item's metrics agree.

A part of the items, so that it takes a minute; `benchmarks/conformance.py` compares all, and the time.
"""

from __future__ import annotations

import pytest

from harness.answering.chat.call_cache import default_cache
from harness.answering.lm_eval_scores import item_scores
from harness.answering.models.embedded import torch_folder
from harness.answering.tasks.definitions import lm_eval_folder, quiet_lm_eval
from harness.answering.tasks.hub import tracing
from harness.answering.tasks.task import load_task
from harness.catalog import Catalog
from harness.cli.run import _show_scores
from harness.records import Response
from harness.stages.stages import run_suite
from harness.suite import Suite, TaskUse

FILES = {
    "commonsense_qa": "commonsense_qa/default.yaml",
    "piqa": "piqa/piqa.yaml",
    "arc_challenge": "arc/arc_challenge.yaml",
    "gsm8k": "gsm8k/gsm8k.yaml",
}


@pytest.mark.slow
@pytest.mark.model
@pytest.mark.parametrize(
    ("items", "how"),
    [
        ({"commonsense_qa": 6, "piqa": 4, "arc_challenge": 4, "gsm8k": 1}, {}),
        ({"piqa": 3}, {"system_prompt": "You know everyday life.", "chat_template": True}),
    ],
)
def test_the_table_is_lm_evals_to_the_letter(items, how, hub_mirror, tmp_path, capsys):
    from lm_eval import simple_evaluate
    from lm_eval.tasks import TaskManager
    from lm_eval.utils import make_table

    args = {"pretrained": str(torch_folder(default_cache())), "dtype": "float32", "device": "cpu", "batch_size": 1}
    manager = TaskManager(include_defaults=False)  # its files are named below: the index of all tasks takes it long
    told = {
        "task_manager": manager,
        "system_instruction": how.get("system_prompt"),
        "apply_chat_template": how.get("chat_template", False),
    }
    shots = 0 if not how else 1
    suite = Suite.model_validate(
        {
            "name": "conformance",
            "models": [{"name": "smollm2", "model": "hf", "args": args, **how}],
            "tasks": [{"task": task, "num_fewshot": shots, "limit": limit} for task, limit in items.items()],
        }
    )
    run = run_suite(suite, tmp_path / "run", stages=["answer"])
    capsys.readouterr()
    _show_scores(run.folder)
    printed = capsys.readouterr().out

    whole = {key: {} for key in ("results", "versions", "n-shot", "higher_is_better")}
    for task, limit in items.items():
        file = str(lm_eval_folder() / "tasks" / FILES[task])
        with quiet_lm_eval(), tracing():
            found = simple_evaluate(model="hf", model_args=args, tasks=[file], num_fewshot=shots, limit=limit, **told)
        for key, tasks in whole.items():
            tasks |= found[key]
        stored = run.manifest["scores"]["smollm2"][task]["results"]
        expected = {key: value for key, value in found["results"][task].items() if "," in key}
        assert {key: value for key, value in stored.items() if "," in key} == expected

        loaded = load_task(TaskUse(task=task, num_fewshot=shots), Catalog(), limit)
        answers = {one.item_id: [one] for one in run.records(Response) if one.task == task}
        ours = item_scores(loaded, answers)
        places = {place: item.item_id for item, (place, _) in zip(loaded.items, loaded.docs, strict=True)}
        for sample in found["samples"][task]:
            for metric in sample["metrics"]:
                assert ours[metric, sample["filter"]][places[sample["doc_id"]]] == sample[metric]

    assert make_table(whole) in printed
