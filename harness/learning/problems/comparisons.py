"""Choices that take no more than to know the world: which of four things is the heaviest, the fastest, the longest."""

from __future__ import annotations

from itertools import pairwise
from random import Random

from harness.learning.problems.task import HELD_OUT, Problem

CHOICES = 4
APART = 3.0
"""What a thing is more, at least, than the next one, so that nobody doubts the order."""
SCALES: dict[tuple[str, str], dict[str, float]] = {
    ("heaviest", "lightest"): {  # grams, of a usual one
        "a grain of pollen": 1e-8, "a snowflake": 0.003, "a mosquito": 0.004, "a grain of rice": 0.03,
        "a feather": 0.05, "a honeybee": 0.1, "a button": 0.6, "a paper clip": 1, "a peanut": 1.2,
        "a sheet of paper": 5, "a pencil": 6, "a house key": 9, "a letter in its envelope": 20, "a mouse": 22,
        "a light bulb": 35, "an egg": 60, "a lemon": 100, "an apple": 180, "a mobile phone": 190, "a football": 430,
        "a hammer": 600, "a loaf of bread": 700, "a pineapple": 1_200, "a brick": 2_500, "a newborn baby": 3_400,
        "a cat": 4_500, "a car tyre": 9_000, "a bicycle": 14_000, "a sack of cement": 25_000,
        "a wooden table": 30_000, "a washing machine": 70_000, "a grown man": 80_000, "a lion": 190_000,
        "a piano": 300_000, "a horse": 500_000, "a small boat": 700_000, "a car": 1_400_000,
        "a rhinoceros": 2_000_000, "an elephant": 5_000_000, "a bus": 12_000_000, "a loaded lorry": 38_000_000,
        "a railway engine": 85_000_000, "a blue whale": 130_000_000, "a passenger aeroplane": 200_000_000,
        "a church": 5e9, "an ocean liner": 5e10, "a mountain": 1e15, "the moon": 7e25,
    },
    ("largest", "smallest"): {  # metres across
        "a bacterium": 0.000002, "a grain of flour": 0.0001, "a grain of sand": 0.0005, "a pinhead": 0.0015,
        "an ant": 0.005, "a ladybird": 0.007, "a pea": 0.008, "a coin": 0.02, "a walnut": 0.035,
        "a matchbox": 0.05, "a teacup": 0.08, "a melon": 0.22, "a dinner plate": 0.27, "a shoebox": 0.33,
        "a pillow": 0.7, "a bathtub": 1.7, "a door": 2, "a double bed": 2.1, "a rowing boat": 4,
        "a bedroom": 4.5, "a garage": 6, "a bus": 12, "a tennis court": 24, "a swimming pool": 40,
        "a supermarket": 60, "a football field": 105, "a railway station": 300, "a shopping street": 600,
        "a village": 1_000, "a small town": 3_000, "an airport": 4_000, "a capital city": 30_000,
        "a large lake": 90_000, "a mountain range": 400_000, "a desert": 1_500_000, "an ocean": 9_000_000,
        "the moon": 3_500_000, "the earth": 12_700_000, "the planet Jupiter": 140_000_000,
        "the sun": 1_400_000_000, "the solar system": 9e12, "our galaxy": 1e21,
    },
    ("longest", "shortest"): {  # seconds
        "a flash of lightning": 0.2, "the blink of an eye": 0.3, "a sneeze": 0.6, "a clap of the hands": 0.4,
        "a handshake": 3, "a yawn": 6, "tying a shoe": 12, "a traffic light on red": 45,
        "a commercial on television": 30, "brushing your teeth": 150, "a song on the radio": 200,
        "boiling an egg": 400, "a coffee break": 900, "baking a pizza": 1_000, "a school lesson": 2_700,
        "a football match": 6_300, "a film in the cinema": 6_500, "an exam": 9_000, "a night of sleep": 28_000,
        "a working day": 30_000, "a day": 86_400, "a weekend": 170_000, "a common cold": 600_000, "a week": 605_000,
        "a month": 2_600_000, "a school holiday in summer": 3_600_000, "a winter": 7_800_000,
        "a pregnancy": 24_000_000, "a year": 31_500_000, "learning to read": 40_000_000, "primary school": 150_000_000,
        "a childhood": 400_000_000, "a marriage until death": 1_300_000_000, "a human life": 2_500_000_000,
        "a century": 3_150_000_000, "the middle ages": 31_000_000_000, "an ice age": 3e12,
        "the age of the earth": 1.4e17,
    },
    ("fastest", "slowest"): {  # kilometres an hour
        "a drifting continent": 4e-9, "a growing tree": 4e-8, "hair that grows": 2e-8, "a glacier": 0.00003,
        "a snail": 0.01, "a sloth": 0.24, "a tortoise": 0.3, "a baby that crawls": 1, "a swimming child": 2,
        "a person who walks": 5, "a jogger": 10, "a person on a bicycle": 19, "a galloping horse": 45,
        "a city bus": 30, "a greyhound": 65, "a car on a motorway": 120, "a racing car": 320, "an express train": 250,
        "a passenger aeroplane": 880, "a bullet": 3_000, "the sound of thunder": 1_200, "a space station": 27_600,
        "a rocket on its way to the moon": 39_000, "a falling star": 150_000, "a beam of light": 1.08e9,
    },
}  # fmt: skip
"""The two ends of a scale, and what is on it; every third thing of a scale is held out."""


def everyday_comparison(random: Random) -> Problem:
    """Four things of one scale, all held out or none; their order makes no other problem."""
    while True:
        ends = random.choice(list(SCALES))
        held_out = random.randrange(HELD_OUT) == 0
        things = [thing for place, thing in enumerate(SCALES[ends]) if (place % HELD_OUT == 0) == held_out]
        chosen = random.sample(things, CHOICES)
        ordered = sorted(chosen, key=SCALES[ends].__getitem__)
        if all(SCALES[ends][more] >= APART * SCALES[ends][less] for less, more in pairwise(ordered)):
            break
    end = random.choice(ends)
    key = f"{end}: {', '.join(sorted(chosen))}"
    answer = ordered[-1] if end == ends[0] else ordered[0]
    return Problem(key, {"id": key, "end": end, "choices": chosen, "answer": answer}, held_out)
