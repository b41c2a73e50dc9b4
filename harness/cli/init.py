"""`harness init`: a suite to start from, which runs as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

STARTER = """\
# yaml-language-server: $schema={schema}
# A suite to start from. It runs as it is:   harness run {path}
# What it would do, before anything is asked: harness plan {path}
name: {name}
description: A small model answers two tasks; an answer key, ROUGE and the model itself rate the answers.
seed: 0
limit: 10  # at most so many items a task; leave it out for all

models:
  - name: smollm2-135m-instruct
    model: embedded  # comes with the harness; or one of these:
  # - {{name: mine, model: hf, args: {{pretrained: my-organisation/my-model, dtype: float32}}}}
  # - {{name: served, model: "openai:my-model", args: {{base_url: "http://localhost:8000/v1"}}}}

tasks:
  - task: commonsense_basics  # `harness ls tasks` lists what there is; every task of lm-eval is known by its name too
    raters: [answer_key, own_probability]
  - task: short_passages
    samples: 2  # answers to each item
    raters:
      - rouge
      - rater: summary_preference_judge  # `harness ls raters`
        against: sample  # the model's own next answer; or `reference`
"""


def init(
    path: Annotated[Path, typer.Argument(help="The suite file to write.")] = Path("my_suite.yaml"),
) -> None:
    """Write a suite to start from, and beside it the schema that editors complete and check it with."""
    import json
    import re

    from harness.errors import HarnessError
    from harness.run import write_whole
    from harness.suite import read_suite, suite_schema

    if path.suffix not in (".yaml", ".yml"):
        raise HarnessError(f"{path}: a suite is a file that ends in .yaml")
    if path.exists():
        raise HarnessError(f"{path}: is there already; name another file")
    schema = path.with_name("suite.schema.json")
    name = re.sub(r"[^\w.-]", "_", path.stem)
    write_whole(path, STARTER.format(path=path, name=name, schema=schema.name).encode())
    write_whole(schema, json.dumps(suite_schema(), indent=2).encode() + b"\n")
    read_suite(path)
    print(f"{path}: a suite to start from, with its schema for editors ({schema.name})")
    print(f"next: harness run {path}")
