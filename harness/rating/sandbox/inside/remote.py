"""The candidate as the tests see it: questions go out, plain data come back, and handles of what could not cross."""

from __future__ import annotations

import _thread
import functools
import time
import types
from typing import Any, NoReturn

from . import exceptions, plain
from .handles import Ended, Handle, awaited, handle_type, is_handle, kind_of


class Candidate:
    """The candidate as the tests see it: something that answers questions."""

    def __init__(self, channel: plain.Channel, seconds: float, expects_stop: bool = False) -> None:
        """Take the channel to the candidate, which limits each answer, and the seconds that it has for all of them.

        Args:
            channel: To the candidate.
            seconds: For all answers.
            expects_stop: The tests speak of `StopIteration`: else none that a call raises reaches them as such.
        """
        self.channel = channel
        self.deadline = time.monotonic() + seconds
        self.expects_stop = expects_stop
        self.raised: dict[int, tuple[BaseException, int]] = {}
        """What calls have raised, by identity, and the number of the object on the other side."""
        self.to_arrive: list[BaseException] = []
        """Those of them that do not say that an iterator has no more."""
        self.turn, self.thread = _thread.RLock(), _thread.get_ident()
        self.ended_beside: Ended | None = None
        self.handles: dict[int, Handle] = {}
        self.asked = False
        """The tests have asked for something: before that what fails is their own."""
        names, error = self.read(plain.Shared())
        if error is not None:
            raise error
        self.names: dict[str, Any] = dict(names)
        """What the program defines: a `function` (or what else can be called), a `class`, a `value`; of an exception's
        class what it comes from."""
        self.classes: dict[str, type[Exception]] = {}
        """The exceptions that the program defines, made again."""

    def ask(self, verb: str, target: str | int, *content: Any) -> Any:
        """Ask one question and return the decoded answer; threads of the tests take turns."""
        self.asked = True
        with self.turn:
            try:
                value, error = self._ask(verb, target, content)
            except Ended as end:
                if _thread.get_ident() != self.thread:
                    self.ended_beside = end
                raise
        if error is not None:
            raise error  # in no block with a handler: see `exceptions.was_swallowed`
        return value

    def _ask(self, verb: str, target: str | int, content: tuple[Any, ...]) -> tuple[Any, BaseException | None]:
        shared = plain.Shared()
        try:
            self.in_time()
            self.channel.send([verb, target, *(plain.encode(part, self.own, shared) for part in content)])
        except TimeoutError:
            raise Ended("timeout", "not answered in time") from None
        except plain.Closed:
            raise Ended("gone", "the candidate's process ended before the tests were through") from None
        except plain.TooLarge as error:
            raise Ended("skipped", f"the arguments are too large ({error}): raise `message_mb`") from None
        return self.read(shared, verb)

    def in_time(self) -> None:
        """End the check if its time is over."""
        if time.monotonic() >= self.deadline:
            raise Ended("timeout", "not answered in time")

    def read(self, shared: plain.Shared, verb: str = "load") -> tuple[Any, BaseException | None]:
        """Read one answer; what a call changed in its arguments is changed here as well, whatever else came.

        Returns:
            The value, or what the candidate raised, as near to it as the built-in kinds allow.
        """
        try:
            self.in_time()
            kind, content, *changed = self.channel.receive()
            if kind == "large":
                raise Ended("failed", f"the answer is too large: {content}"[:300])
            given = shared.things[:]
            for number, now in changed[0]:
                plain.fill(given[number], now, self.handle, shared)
            if kind == "value":
                return plain.decode(content, self.handle, shared), None
            if kind != "raised":
                raise ValueError(f"unknown answer {kind!r:.40}")
            return None, self.exception(verb, *content)
        except TimeoutError:
            raise Ended("timeout", "not answered in time") from None
        except plain.Closed:
            raise Ended("gone", "the candidate's process ended before the tests were through") from None
        except Exception as fault:
            raise Ended("failed", f"the answer is no plain data: {type(fault).__name__}: {fault}"[:300]) from None

    def exception(
        self, verb: str, name: str, kinds: list[str], text: str, made_of: Any, number: int, own: list[str]
    ) -> BaseException:
        """Return here what the candidate raised there, and remember that it is the candidate's."""
        if "Exception" not in kinds:
            raise Ended("failed", f"{name}: {text}"[:500])
        arguments, fields = [text], {}
        if made_of is not None:
            arguments, fields = plain.decode(made_of, _no_handle, plain.Shared())
        ends = verb == "next" and "StopIteration" in kinds
        classes = [self.exception_class(one) for one in own if isinstance(self.names.get(one), list)]
        error = exceptions.rebuilt(name, classes, kinds, text, arguments, fields, may_stop=ends or self.expects_stop)
        self.raised[id(error)] = error, number
        if not ends:
            self.to_arrive.append(error)
            vars(error)["with_traceback"] = functools.partial(self.arrived, error)
        return error

    def arrived(self, error: BaseException, traceback: types.TracebackType | None) -> BaseException:
        """Stand in for an exception's `with_traceback`: who calls it has caught it, and may take its traceback away."""
        self.to_arrive = [one for one in self.to_arrive if one is not error]
        return BaseException.with_traceback(error, traceback)

    def is_known(self, error: BaseException | None) -> bool:
        """Tell whether an exception is the candidate's, or was raised because of one that is."""
        chain = []
        while error is not None and error not in chain:
            if id(error) in self.raised:
                return True
            chain.append(error)
            error = error.__cause__ or error.__context__
        return False

    def confirm(self) -> None:
        """End the check if an exception of the candidate ended a loop of the tests, or a thread of theirs, unseen."""
        if self.ended_beside:
            raise self.ended_beside
        for error in self.to_arrive:
            if exceptions.was_swallowed(error):
                raise Ended("failed", f"{type(error).__name__} of a call ended a loop of the tests")

    def own(self, value: Any) -> Any:
        """Return what stands for a candidate's own object that is given back to it."""
        if is_handle(value):
            return {"handle": [object.__getattribute__(value, "_number"), kind_of(value)]}
        if id(value) in self.raised:
            return {"handle": [self.raised[id(value)][1], ""]}
        raise Ended("uncrossable", f"the tests give the candidate a {type(value).__name__}, which cannot cross")

    def handle(self, content: Any) -> Any:
        """Return what stands for an object that stayed on the other side: the same for the same object.

        What can be awaited is a coroutine here too, which runs there.
        """
        number, kind, shape = content
        if type(number) is not int:
            raise ValueError("a handle is a number")
        if kind == "coroutine":
            return awaited(Handle(self, number, kind))
        if number not in self.handles:
            self.handles[number] = handle_type(str(kind)[:80], str(shape))(self, number, str(kind)[:80])
        return self.handles[number]

    def stub(self, name: str) -> Any:
        """Return what the tests get for one of the candidate's names.

        A function, a value, an exception that can be caught, or the handle of a class or an object.
        """
        if isinstance(self.names[name], list):
            return self.exception_class(name)
        if self.names[name] == "function":
            return Function(self, name)
        asked = self.asked or self.names[name] == "value"  # a class says nothing before something is done with it
        value = self.ask("name", name)
        self.asked = asked
        return value

    def exception_class(self, name: str) -> type[Exception]:
        """Return the class of an exception that the program defines, made again from the names that it comes from."""
        if name not in self.classes:
            own, kinds = self.names[name]
            parents = [one for one in own if one != name and isinstance(self.names.get(one), list)]
            self.classes[name] = exceptions.defined(name, [self.exception_class(one) for one in parents], kinds)
        return self.classes[name]


class _Unknown:
    """Where a signature is looked for: whoever reads it fails, instead of reading that of a stand-in."""


class Function:
    """A function of the candidate, called there; what else is asked of it is the candidate's too."""

    __signature__ = _Unknown()
    ITS_OWN = ("__annotations__", "__defaults__", "__kwdefaults__", "__code__")

    def __init__(self, candidate: Candidate, name: str) -> None:
        vars(self).update(_candidate=candidate, __name__=name, __qualname__=name)

    @property
    def __doc__(self) -> Any:  # type: ignore[override]
        return self._candidate.ask("get", self.__name__, "__doc__")

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call it."""
        return self._candidate.ask("call", self.__name__, arguments, named)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """Be the method of a class of the tests, as a function would."""
        return self if instance is None else types.MethodType(self, instance)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name not in self.ITS_OWN:
            raise AttributeError(name)
        return self._candidate.ask("get", self.__name__, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._candidate.ask("set", self.__name__, name, value)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, _: Any) -> Any:
        return self


def _no_handle(content: Any) -> NoReturn:
    raise ValueError("an exception holds plain data")
