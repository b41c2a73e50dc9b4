"""An example or two of each command, as its help shows them; a test parses every one."""

from __future__ import annotations

EXAMPLES: dict[str, tuple[str, ...]] = {
    "harness": (
        "harness demo                  a finished comparison in seconds: no model, no key, no network",
        "harness agree ratings.csv     how far raters agree, from a file that you have",
        "harness rounds scores.csv     whether training still helps, from scores that you have",
        "harness init my_suite.yaml    a suite of your own to start from",
    ),
    "demo": ("harness demo", "harness demo --open"),
    "quickstart": ("harness quickstart", "harness quickstart --limit 10 --out runs/small"),
    "init": ("harness init my_suite.yaml",),
    "new": ("harness new rater concise", "harness new task riddles --into mine"),
    "plan": ("harness plan my_suite.yaml", "harness plan --human runs/mine --criterion quality --width 0.1 --people 3"),
    "run": (
        "harness run my_suite.yaml --out runs/mine",
        "harness run commonsense --limit 20 --tasks copa,piqa --max-cost 2",
    ),
    "rate": (
        "harness rate runs/mine --rater answer_key",
        "harness rate runs/mine --rater my_judge --retry-errors",
    ),
    "annotate": (
        "harness annotate runs/mine --rater-id Ada",
        "harness annotate runs/mine --raters team.txt --links links.csv --lead Grace --limit 20",
    ),
    "agree": ("harness agree ratings.csv --level ordinal", "harness agree runs/mine --with people.csv --json"),
    "audit": ("harness audit runs/mine --rater my_judge", "harness audit ratings.csv --rater gpt-4o --json"),
    "people": ("harness people runs/mine --usd-per-hour 18",),
    "rounds": (
        "harness rounds scores.csv --sesoi 1 --fail-if plateaued,worsening",
        "harness rounds dpo:0=evals/base dpo:1=evals/step-1000 dpo:2=evals/step-2000",
    ),
    "report": (
        "harness report runs/mine --open",
        "harness report runs/mine runs/other --out both.html",
        "harness report runs/mine --fail-if 'pass_rate<.8,distrusted'",
    ),
    "publish": ("harness publish runs --out site",),
    "view": ("harness view runs/mine",),
    "verify": (
        "harness verify --problems P.jsonl --completions C.jsonl",
        "harness verify --problems P.jsonl --completions C.jsonl --packages numpy",
    ),
    "packages": ("harness packages numpy", "harness packages numpy pandas==2.2.0 --into wheels/sandbox"),
    "import": (
        "harness import people.csv --into runs/mine",
        "harness import lm-eval evals/* --series dpo --into runs/mine",
    ),
    "export": (
        "harness export csv runs/mine --out sheet.csv",
        "harness export label-studio runs/mine --out tasks.json",
    ),
    "ls": ("harness ls raters",),
    "validate": ("harness validate my_suite.yaml --include mine",),
    "schema": ("harness schema suite > suite.schema.json",),
    "check": ("harness check runs/mine", "harness check runs/mine --set-aside"),
    "doctor": ("harness doctor",),
    "exchange": (
        "harness exchange rated.csv --text summary --context source --people 'expert_*'",
        "harness exchange runs/mine --mix 50+800 --rates person=1 --rates judge=0.01",
    ),
}
