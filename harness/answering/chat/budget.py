"""A limit on what calls may cost: a call is sent only if the dearest that it can be still fits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harness.answering.chat.chat import Answer, Around, Call
from harness.errors import BudgetError, HarnessError


class Budget:
    """So many US dollars, for all clients of a command together."""

    def __init__(self, most: float) -> None:
        """Make it.

        Args:
            most: What may be spent, in US dollars.
        """
        self.most = most
        self.spent = 0.0
        self._reserved = 0.0

    def reserve(self, dearest: float) -> bool:
        """Set aside what a call may cost at most; False where that is more than is left."""
        if self.spent + self._reserved + dearest > self.most:
            return False
        self._reserved += dearest
        return True

    def settle(self, dearest: float, cost: float) -> None:
        """Replace what was set aside for a call by what it cost."""
        self._reserved -= dearest
        self.spent += cost


@dataclass
class Budgeted(Around):
    """A chat client that stops before a budget is exceeded. What is under way then comes to its end, and is kept."""

    budget: Budget

    def ask(self, calls: Iterable[Call]) -> Iterator[tuple[int, Answer]]:
        """See `Chat.ask`.

        Raises:
            BudgetError: The next call might cost more than is left.
            HarnessError: The price is not known, so no budget can be kept.
        """
        todo = enumerate(calls)
        following = next(todo, None)
        while following is not None:
            under_way: list[tuple[int, float]] = []

            def affordable(under_way: list[tuple[int, float]] = under_way) -> Iterator[Call]:
                nonlocal following
                while following is not None:
                    position, call = following
                    dearest = self._dearest(call)
                    if not self.budget.reserve(dearest):
                        return
                    under_way.append((position, dearest))
                    following = next(todo, None)
                    yield call

            for index, answer in self.chat.ask(affordable()):
                position, dearest = under_way[index]
                answered = answer.status not in ("error", "timeout", "skipped")
                cost = answer.cost_usd if answer.cost_usd is not None else dearest * answered
                self.budget.settle(dearest, cost)
                yield position, answer
            if following is not None and not under_way:
                raise BudgetError(
                    f"stopped before the next call to {self.identity} could exceed --max-cost {self.budget.most:g}: "
                    f"{self.budget.spent:.4f} USD were spent, and all answers are kept; the same command goes on"
                )

    def hand_in(self, calls: Iterable[Call]) -> None:
        """Hand in nothing ahead: what a call may cost is reserved when its answer is asked for."""

    def _dearest(self, call: Call) -> float:
        """Return a call's price if each byte of the prompt is a token, and the answer as long as it may be."""
        prompt = sum(len(text.encode()) + 16 for _, text in call.messages)
        price = self.price(prompt, None, call.max_tokens)
        if price is None:
            raise HarnessError(
                f"--max-cost cannot be kept: the price of {self.identity} is not known; say it in the model's "
                "settings, in USD for a million tokens: `rates: {prompt: 0.5, completion: 1.5}`"
            )
        return price
