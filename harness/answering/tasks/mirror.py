"""The mirror folder of data sets, for machines without a network."""

from __future__ import annotations

import os
from pathlib import Path

from harness.errors import HarnessError

DATA_DIR = "HARNESS_DATA_DIR"
ENDINGS = ("parquet", "jsonl", "jsonl.gz", "json")
NO_SPLITS = ("dataset_infos.json", "dataset_dict.json")


def mirror() -> Path | None:
    """Return the mirror folder, where `HARNESS_DATA_DIR` names one.

    Raises:
        HarnessError: It names something that is no folder.
    """
    named = os.environ.get(DATA_DIR)
    if not named:
        return None
    if not Path(named).is_dir():
        raise HarnessError(f"{DATA_DIR}={named}: is no folder")
    return Path(named)


def mirrored(root: Path, dataset: str, config: str | None = None) -> dict[str, list[Path]]:
    """Return the files of every split of a data set in a mirror; none where the mirror does not have it.

    Args:
        root: The mirror.
        dataset: The hub id.
        config: The configuration. A data set with a single one may lie without its folder, or be asked for without it.
    """
    home = root / dataset
    below = sorted(path for path in home.iterdir() if path.is_dir()) if home.is_dir() and config is None else []
    places = [home / (config or ""), home / (config or "") / "data", home, *(below if len(below) == 1 else [])]
    for place in places:
        splits: dict[str, list[Path]] = {}
        for ending in ENDINGS:
            for path in sorted(place.glob(f"*.{ending}")) if place.is_dir() else []:
                if path.name in NO_SPLITS:
                    continue
                split = path.name.removesuffix(f".{ending}").split("-")[0]  # test-00000-of-00001.parquet, as on the hub
                if all(other.name.endswith(ending) for other in splits.get(split, [])):
                    splits.setdefault(split, []).append(path)
        if splits:
            return splits
    return {}


def split_files(root: Path, dataset: str, config: str | None, split: str) -> list[Path]:
    """Return the files of one split in a mirror.

    Raises:
        HarnessError: There are none; says where they were looked for.
    """
    found = mirrored(root, dataset, config).get(split)
    if not found:
        places = [str(Path(dataset, config or "", f"{split}.{ending}")) for ending in ENDINGS[:2]]
        raise HarnessError(f"{DATA_DIR}={root}: has no {dataset} ({split}); looked for {', '.join(places)}, ...")
    return found
