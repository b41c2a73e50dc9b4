"""How fast agreement is and how much memory it takes, beside `krippendorff` and `evalica`, as Markdown tables.

    python benchmarks/agreement.py [--full | --hundred FOLDER | --sizes ITEMS [--only OPTION]]

The references are timed on a few calls and scaled to 1,000: what 1,000 resamples by looping would cost (for
`krippendorff` without the resampling itself). `--full` adds ten million ratings from a Parquet file, in a process of
its own; `--hundred FOLDER` does no more than a hundred million from ten files, which it writes there where they are not
(1 GB). `--sizes 100000` times the options of `agree` at each size up to so many items instead, in CPU seconds:
those of the computation in Python, those of reading by the whole command (its start included), and beside them a
grouping pass of `polars` and `duckdb` and alpha by `krippendorff`; `--only --stand-in` one of them.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import evalica
import krippendorff
import numpy as np
import pandas as pd

from harness.agreement import agree
from harness.agreement.coefficients.alpha import alpha
from harness.agreement.grid.wide import wide_units
from harness.agreement.preferences.comparisons import compare
from harness.agreement.preferences.preferences import bootstrap_strengths, bradley_terry

CATEGORIES = 5
MISSING = 0.1
RESAMPLES = 1000


def ratings(items: int, raters: int, seed: int = 0) -> pd.DataFrame:
    """A true grade from a skewed scale, copied with probability .7, 10 % missing."""
    rng = np.random.default_rng(seed)
    p = np.array([0.1, 0.15, 0.2, 0.3, 0.25])
    truth = rng.choice(CATEGORIES, items, p=p)
    columns = {}
    for rater in range(raters):
        given = np.where(rng.random(items) < 0.7, truth, rng.choice(CATEGORIES, items, p=p)) + 1.0
        given[rng.random(items) < MISSING] = np.nan
        columns[f"r{rater}"] = given
    return pd.DataFrame(columns)


def seconds(function: Callable[[], object], least: int = 1) -> float:
    best = float("inf")
    for _ in range(least):
        start = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - start)
    return best


def peak(function: Callable[[], object]) -> int:
    tracemalloc.start()
    function()
    used = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return used


def speed() -> None:
    print(
        "| items x raters | alpha and interval, s | 1,000 x krippendorff, s | ratio | x a pass | extra memory / data |"
    )
    print("|---|---|---|---|---|---|")
    for items, raters in ((10_000, 5), (100_000, 5), (1_000_000, 10)):
        wide = ratings(items, raters)
        data = wide.to_numpy().T

        def ours(wide: pd.DataFrame = wide) -> object:
            return alpha(wide_units(wide), "ordinal", resamples=RESAMPLES)

        def theirs(data: np.ndarray = data) -> object:
            return krippendorff.alpha(reliability_data=data, level_of_measurement="ordinal")

        fast = seconds(ours, 3)
        slow = seconds(theirs, 1 if items > 500_000 else 3) * RESAMPLES
        once = seconds(lambda data=data: np.nansum(data), 5)  # one pass over the ratings
        memory = peak(ours) / data.nbytes
        print(
            f"| {items:,} x {raters} | {fast:.3f} | {slow:,.0f} | {slow / fast:,.0f} "
            f"| {fast / once:.1f} | {memory:.2f} |"
        )


def from_long() -> None:
    wide = ratings(100_000, 5)
    rows = wide.rename_axis("item_id").reset_index().melt("item_id", var_name="rater").dropna()
    rows["item_id"] = "item-" + rows["item_id"].astype(str)
    data = wide.to_numpy().T
    slow = seconds(lambda: krippendorff.alpha(reliability_data=data, level_of_measurement="ordinal"), 3) * RESAMPLES
    fast = seconds(lambda: agree(rows, level="ordinal", coefficients=["alpha"]), 2)
    print(f"\nTable from a long frame of 100,000 x 5: {fast:.2f} s, {slow / fast:,.0f} times as fast.")


def comparisons(n: int, players: int, seed: int = 0) -> pd.DataFrame:
    """Comparisons of players whose strengths are normal, a fifth of them ties."""
    rng = np.random.default_rng(seed)
    strength = rng.normal(size=players)
    a = rng.integers(0, players, n)
    b = (a + rng.integers(1, players, n)) % players
    won = rng.random(n) < 1 / (1 + np.exp(strength[b] - strength[a]))
    names = np.array([f"model-{k}" for k in range(players)])
    return pd.DataFrame({"a": names[a], "b": names[b], "score": np.where(rng.random(n) < 0.2, 0.5, won)})


def preferences() -> None:
    print("\n| comparisons, players | fit, s | evalica, s | 1,000 resamples, s | evalica's, s | ratio |")
    print("|---|---|---|---|---|---|")
    words = {1.0: evalica.Winner.X, 0.0: evalica.Winner.Y, 0.5: evalica.Winner.Draw}
    for n, players in ((1_000_000, 20), (1_000_000, 100)):
        rows = comparisons(n, players)
        a, b, winners = rows["a"].tolist(), rows["b"].tolist(), [words[one] for one in rows["score"].tolist()]
        counted = compare(rows["a"], rows["b"], rows["score"].to_numpy())
        fit = seconds(lambda rows=rows: bradley_terry(compare(rows["a"], rows["b"], rows["score"].to_numpy())), 3)
        theirs = seconds(lambda a=a, b=b, winners=winners: evalica.bradley_terry(a, b, winners), 3)
        draws = seconds(lambda counted=counted: bootstrap_strengths(counted, RESAMPLES))

        def resample(a: list[str] = a, b: list[str] = b, winners: list[object] = winners) -> object:
            options = {"n_resamples": 2, "bootstrap_method": "percentile"}
            return evalica.bootstrap(evalica.bradley_terry, a, b, winners, **options)

        slow = seconds(resample) / 2 * RESAMPLES
        print(f"| {n:,}, {players} | {fit:.2f} | {theirs:.2f} | {draws:.2f} | {slow:,.0f} | {slow / draws:,.0f} |")


FROM_FILES = """
import sys, time
from pathlib import Path
from harness.agreement import agree
agree  # what is loaded when it is first named is no part of the time
start, spent = time.perf_counter(), time.process_time()
found = agree(sys.argv[1:], level="ordinal", coefficients=["alpha"])
wall, cpu = time.perf_counter() - start, time.process_time() - spent
alpha = found.tables[0].coefficients["alpha"]
shown = f"alpha {alpha.value:.4f} [{alpha.low:.4f}, {alpha.high:.4f}]"
status = Path("/proc/self/status").read_text()  # of this process alone: ru_maxrss is its parent's, where that had more
kilobytes = int(status.split("VmHWM:")[1].split()[0])
print(f"{wall:.1f} s, {cpu:.1f} s of CPU, {kilobytes / 1000:,.0f} MB at most: {shown}")
"""


def from_parquet(items: int, raters: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ratings.parquet"
        count = write_ratings(path, items, raters)
        beside_engines(path)
        print(f"\n{count:,} ratings from Parquet to a table with intervals: {told_of([path])}")


def write_ratings(path: Path, items: int, raters: int, first: int = 0) -> int:
    """Write one row a rating, all of one rater before those of the next; return how many."""
    wide = ratings(items, raters, seed=first)
    wide.index += first
    rows = wide.rename_axis("item_id").reset_index().melt("item_id", var_name="rater").dropna()
    rows["item_id"] = "item-" + rows["item_id"].astype(str)
    rows.to_parquet(path)
    return len(rows)


def told_of(paths: list[Path]) -> str:
    run = [sys.executable, "-c", FROM_FILES, *map(str, paths)]
    return subprocess.run(run, capture_output=True, text=True, check=True).stdout.strip()


def hundred_million(folder: Path) -> None:
    paths = [folder / f"ratings-{part}.parquet" for part in range(10)]
    for part, path in enumerate(paths):
        if not path.exists():
            write_ratings(path, 1_000_000, 11, first=part * 1_000_000)
    print(f"\nA hundred million ratings from ten files to a table with intervals: {told_of(paths)}")


SIZES = (10_000, 100_000, 1_000_000)
OPTIONS: dict[str, dict[str, object]] = {
    "alpha": {},
    "--stand-in": {"stand_in": True},
    "--correct": {"correct": True, "chosen": "random"},
    "--cluster": {"cluster": "document"},
    "--by": {"by": "document_kind"},
    "--pool": {"pool": True},
    "--interval kalpha": {"interval": "kalpha"},
    "--correct --by": {"correct": True, "chosen": "random", "by": "document_kind"},
    "--strata": {"correct": True, "chosen": "by:document_kind", "strata": "document_kind"},
    "--weights": {"weights": True},
    "--drop-outvoted": {"drop_outvoted": True},
    "--score-range": {"score_range": (1, 5)},
    "--categories": {"categories": ["1", "2", "3", "4", "5"]},
    "--components": {"components": True},
    "--means": {"means": "document_kind"},
    "--cross-check": {"cross_check": True},
    "--correct --sequential": {
        "correct": True,
        "chosen": "random",
        "sequential": True,
    },
}
"""What of `agree` is timed at each size."""


def sizes(largest: int, only: str | None = None) -> None:
    """Print the CPU seconds of each option at each number of items, of two people and a judge."""
    wanted = [n for n in SIZES if n <= largest]
    print("\n| | " + " | ".join(f"{n:,} items, CPU s" for n in wanted) + " |")
    print("|---" * (1 + len(wanted)) + "|")
    frames = [judged(n) for n in wanted]
    with tempfile.TemporaryDirectory() as folder:
        places = [Path(folder) / str(n) for n in wanted]
        for frame, place in zip(frames, places, strict=True):
            write_tables(frame, place)
        rows: dict[str, Callable[[int], object]] = {
            name: lambda at, options=options: agree(frames[at], level="ordinal", **options)  # type: ignore[misc]
            for name, options in OPTIONS.items()
        }
        rows |= {f"`{said}`": lambda at, said=said: command(places[at], said) for said in READING}  # type: ignore[misc]
        rows |= {f"{name}": lambda at, pass_of=pass_of: pass_of(places[at]) for name, pass_of in ENGINES.items()}  # type: ignore[misc]
        for name, call in rows.items():
            if only is None or only in name:
                told = []
                for at in range(len(wanted)):
                    start = spent()
                    call(at)
                    told.append(f"{spent() - start:.2f}")
                print(f"| {name} | " + " | ".join(told) + " |", flush=True)


def spent() -> float:
    """Return the CPU seconds of this process and of those that it has waited for."""
    return time.process_time() + sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])


READING = (
    "plain.parquet",
    "plain.csv",
    "wide.parquet",
    "named.parquet --item what --rater who --value said",
    "parts.parquet --item document,part",
    "plain.parquet --raters ann --raters bob",
    "plain.parquet --ai judge",
    "plain.parquet --score-range 1,5",
    "plain.parquet --drop-outvoted",
    "plain.parquet --cluster-regex item-(\\d+?)\\d?$",
    "plain.parquet --items items.csv --labels labels.csv",
    "words.parquet --categories poor,fair,good,better,best",
    "words.parquet --missing fair",
    "words.parquet --recode better=best",
    "criteria.parquet",
    "criteria.parquet --criteria tone",
    "criteria.parquet --level tone=ordinal",
    "first.parquet second.parquet",
)
"""What of reading is timed at each size: `harness agree` of these tables with these options."""


def write_tables(frame: pd.DataFrame, folder: Path) -> None:
    """Write the tables that the commands of `READING` name."""
    folder.mkdir()
    plain = frame[["item_id", "rater", "value"]].astype({"item_id": str})
    words = ["poor", "fair", "good", "better", "best"]
    tables = {
        "plain": plain,
        "wide": plain.pivot(index="item_id", columns="rater", values="value").reset_index(),
        "named": plain.set_axis(["what", "who", "said"], axis=1),
        "parts": plain.assign(document=frame["document"], part=plain["item_id"]).drop(columns="item_id"),
        "words": plain.assign(value=np.array(words)[frame["value"].astype(int) - 1]),
        "criteria": plain.assign(criterion=np.where(frame["document"] % 2, "tone", "style")),
        "first": plain[: len(plain) // 2],
        "second": plain[len(plain) // 2 :],
    }
    for name, table in tables.items():
        table.to_parquet(folder / f"{name}.parquet", index=False)
    plain.to_csv(folder / "plain.csv", index=False)


def command(folder: Path, said: str) -> None:
    """Run `harness agree` on tables of a folder."""
    run = [sys.executable, "-m", "harness", "agree", *said.split()]
    subprocess.run(run, cwd=folder, capture_output=True, check=True)


def by_polars(folder: Path) -> object:
    import polars as pl

    grouped = pl.scan_parquet(folder / "plain.parquet").group_by("item_id").agg(pl.len(), pl.col("value").sum())
    return grouped.collect()


def by_duckdb(folder: Path) -> object:
    import duckdb

    query = "select item_id, count(*), sum(value) from read_parquet(?) group by 1"
    return duckdb.execute(query, [str(folder / "plain.parquet")]).fetchnumpy()


def by_krippendorff(folder: Path) -> object:
    data = pd.read_parquet(folder / "wide.parquet").drop(columns="item_id").to_numpy().T
    return krippendorff.alpha(reliability_data=data, level_of_measurement="ordinal")


ENGINES: dict[str, Callable[[Path], object]] = {
    "polars, a grouping pass": by_polars,
    "duckdb, a grouping pass": by_duckdb,
    "krippendorff, alpha without an interval": by_krippendorff,
}


def judged(items: int) -> pd.DataFrame:
    wide = ratings(items, 3).fillna(3)
    names = pd.Index([f"item-{n}" for n in range(items)])
    rows = [
        pd.DataFrame({"item_id": pd.Categorical(names), "rater": rater, "value": wide[f"r{place}"]})
        for place, rater in enumerate(("ann", "bob", "judge"))
    ]
    frame = pd.concat(rows, ignore_index=True)
    frame["rater_kind"] = np.where(frame["rater"] == "judge", "judge", "human")
    frame["document"] = np.tile(np.arange(items) // 7, 3)
    frame["document_kind"] = np.tile(np.arange(items) % 3, 3)
    return frame


def beside_engines(path: Path) -> None:
    """Print how long the table of a Parquet file takes beside one grouping pass of duckdb and of polars."""
    import duckdb
    import polars as pl

    query = f"select item_id, count(*), sum(value) from '{path}' group by 1"
    ours = seconds(lambda: agree(path, level="ordinal", coefficients=["alpha"]))
    duck = seconds(lambda: duckdb.sql(query).fetchnumpy(), 2)
    grouped = pl.scan_parquet(path).group_by("item_id").agg(pl.len(), pl.col("value").sum())
    polars = seconds(lambda: grouped.collect(), 2)
    print(f"\n{path.name}: {ours:.2f} s; a grouping pass of duckdb {duck:.2f} s, of polars {polars:.2f} s.")


if __name__ == "__main__":
    if "--sizes" in sys.argv:
        sizes(
            int(sys.argv[sys.argv.index("--sizes") + 1]),
            sys.argv[sys.argv.index("--only") + 1] if "--only" in sys.argv else None,
        )
        raise SystemExit
    if "--hundred" in sys.argv:
        hundred_million(Path(sys.argv[sys.argv.index("--hundred") + 1]))
        raise SystemExit
    speed()
    from_long()
    preferences()
    if "--full" in sys.argv:
        from_parquet(100_000, 11)
        from_parquet(1_100_000, 11)
