"""Weights go where a panel reads them: into its rater.yaml, whose comments and order stay, whole or not at all."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.run import write_whole
from harness.suite import compose

Weights = Mapping[str, float]


def write_weights(path: Path, known: Sequence[tuple[str, Weights]]) -> dict[str, Any]:
    """Write the weights of AI raters to a panel's rater.yaml, or to a YAML file of their own.

    A panel gets the weights of its own members, by the criteria that it rates (several, or of several tasks: their
    mean). Another file gets them by criterion, or plainly where there is one.

    Args:
        path: The file; made where it is not there.
        known: Pairs of a criterion and its weights, as `agree` gives them.

    Returns:
        What was written under `weights`.

    Raises:
        HarnessError: There are none, the file is no mapping, or a member of the panel has none; nothing is written.
    """
    known = [(criterion, weights) for criterion, weights in known if weights]
    if not known:
        raise HarnessError("--weights: no AI rater shares enough items with people, or none is better than chance")
    yaml, content = _read(path)
    if "use" in content:
        found: dict[str, Any] = _of_panel(path, content, known)
        content.setdefault("settings", {})["weights"] = found
    else:
        criteria = sorted({criterion for criterion, _ in known})
        by_criterion = {one: _mean(weights for criterion, weights in known if criterion == one) for one in criteria}
        found = by_criterion if len(criteria) > 1 else by_criterion[criteria[0]]
        content["weights"] = found
    sink = io.StringIO()
    yaml.dump(content, sink)
    write_whole(path, sink.getvalue().encode())
    return found


def _of_panel(path: Path, content: Mapping[str, Any], known: Sequence[tuple[str, Weights]]) -> dict[str, float]:
    rated = sorted({criterion for criterion, _ in known})
    wanted = [str(name) for name in content.get("criteria") or rated]
    if "criteria" not in content and len(rated) > 1:
        raise HarnessError(f"{path}: names no `criteria`, and there are weights for several: {', '.join(rated)}")
    if rated == ["rating"]:  # ratings that name no criterion are of whatever the panel rates
        wanted = rated
    lacking = [name for name in wanted if name not in rated]
    if lacking:
        raise HarnessError(
            f"{path}: the panel rates {', '.join(lacking)}, and there are weights for {', '.join(rated)} alone: the "
            "criterion needs ratings by people and by the members"
        )
    mean = _mean(weights for criterion, weights in known if criterion in wanted)
    members = [str(name) for name in (content.get("settings") or {}).get("raters") or mean]
    without = [name for name in members if name not in mean]
    if without:
        raise HarnessError(
            f"{path}: there is no weight for the member {without[0]!r}: it shares too few items with people"
        )
    return {name: mean[name] for name in members}


def _mean(parts: Iterable[Weights]) -> dict[str, float]:
    several = list(parts)
    names = sorted({name for one in several for name in one})
    return {name: round(sum(one.get(name, 0.0) for one in several) / len(several), 6) for name in names}


def _read(path: Path) -> tuple[Any, Any]:
    """Return a writer that keeps how the file is written, and its content."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError
    from ruamel.yaml.util import load_yaml_guess_indent

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    if not path.is_file():
        return yaml, yaml.map()
    compose(path)  # says what is wrong with the file as for every other of ours
    try:
        text = path.read_text(encoding="utf-8")
        _, indent, offset = load_yaml_guess_indent(text)
        yaml.indent(mapping=2, sequence=indent or 2, offset=offset or 0)
        content = yaml.load(text)
    except YAMLError as error:
        raise HarnessError(f"{path}: is no YAML: {error}") from error
    if content is None:
        content = yaml.map()
    if not isinstance(content, dict):
        raise HarnessError(f"{path}: is no rater.yaml: expected keys and values")
    return yaml, content
