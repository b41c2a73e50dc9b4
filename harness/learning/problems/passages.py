"""Passages to summarize: news of small towns, invented, each with the facts that a summary has to have."""

from __future__ import annotations

from random import Random

from harness.learning.problems.task import HELD_OUT, Problem

FIRST = (
    "Ada", "Ben", "Clara", "Daniel", "Elsa", "Felix", "Greta", "Henry", "Ines", "Jonas", "Karin", "Leo", "Mara", "Nils",
    "Olga", "Paul", "Rosa", "Samuel", "Tina", "Victor",
)  # fmt: skip
LAST = (
    "Abbot", "Baker", "Carver", "Dalton", "Ellery", "Fisher", "Garner", "Hobbs", "Irwin", "Jarvis", "Keller",
    "Lambert", "Mercer", "Norris", "Osborne", "Parker", "Quinn", "Rowley", "Sutton", "Turner", "Upton", "Vaughan",
    "Weaver", "Yates",
)  # fmt: skip
TOWNS = (
    "Brenford", "Ashmere", "Colby", "Dunwick", "Elmstead", "Farley", "Glenmore", "Harrow Bay", "Ivybridge",
    "Kelso Mill", "Larkhill", "Milton", "Northam", "Oakford", "Penrith", "Redcliff", "Stanton", "Thornby",
    "Wexley", "Yarrow",
)  # fmt: skip
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
EVENTS = (
    ("librarian", "reopened", "library", "shut", "its roof leaked"),
    ("baker", "sold", "bakery", "too small", "the hotel ordered more bread"),
    ("farmer", "rebuilt", "barn", "in ruins", "lightning struck it"),
    ("teacher", "painted", "school gate", "rusty", "salt water splashed it"),
    ("mayor", "closed", "footbridge", "unsafe", "two of its beams cracked"),
    ("gardener", "planted", "orchard", "bare", "a storm felled the pears"),
    ("fisherman", "raised", "sunken boat", "under water", "it hit a rock"),
    ("carpenter", "repaired", "bandstand", "without a floor", "wood worms had eaten it"),
    ("doctor", "moved", "surgery", "crowded", "the next village lost its own"),
    ("miller", "restarted", "windmill", "silent", "one of its sails broke"),
    ("shopkeeper", "opened", "toy shop", "an empty room", "the tailor retired"),
    ("ferryman", "tested", "ferry", "in the dock", "its engine smoked"),
    ("painter", "restored", "chapel ceiling", "black", "candles had burnt below it"),
    ("nurse", "founded", "choir", "only a wish", "nobody could play the organ"),
    ("engineer", "cleaned", "fountain", "dry", "leaves had blocked its pipe"),
    ("clock keeper", "restarted", "town clock", "still", "birds nested in its gears"),
)
"""Who, did what, to what, how that had been, and why."""
PLANS = ("a fair", "a concert", "a race", "a market", "a dance", "a quiz", "an open day")
SAYINGS = (
    "I hardly slept before", "We were lucky with the weather", "My father would have laughed", "It was high time",
    "I would do it again", "Nobody believed me at first", "Now I want a week in bed",
)  # fmt: skip


def town_news(random: Random) -> Problem:
    """A passage of three sentences and some forty words; who did what where is its problem, whatever else it tells.

    Family names and numbers of days are those of one side, so that no passage is nearly one of the other's.
    """
    held_out = random.randrange(HELD_OUT) == 0
    first = random.choice(FIRST)
    last = random.choice([one for place, one in enumerate(LAST) if (place % HELD_OUT == 0) == held_out])
    days = HELD_OUT * random.randint(7, 299) + (0 if held_out else random.randint(1, HELD_OUT - 1))
    role, did, what, state, reason = random.choice(EVENTS)
    town, day, later = random.choice(TOWNS), random.choice(DAYS), random.choice(DAYS)
    plan, saying = random.choice(PLANS), random.choice(SAYINGS)
    passage = (
        f"On {day} the {role} {first} {last} {did} the {what} of {town}. "
        f"The {what} had been {state} for {days} days, because {reason}. "
        f'"{saying}," said {last}, who hopes for {plan} there on {later}.'
    )
    return Problem(
        f"{first} {last} {did} the {what} of {town}",
        {
            "id": f"{first} {last} {did} the {what} of {town}",
            "passage": passage,
            "reference": f"{role.capitalize()} {first} {last} {did} the {what} of {town} on {day}.",
            "key_facts": [[last], [what], [town]],
        },
        held_out,
    )
