"""The candidate as the tests see it: questions go out, plain data come back.

A handle stands for what could not cross. It can be called, indexed and asked for attributes, but a comparison, a truth
value or a hash of it would let the candidate's own code decide, so those end the check.
"""

from __future__ import annotations

import time
import types
from collections.abc import Callable
from typing import Any, NoReturn

from . import exceptions, plain


class Ended(BaseException):
    """The check cannot go on; not an `Exception`, so that tests which catch those do not catch it."""

    def __init__(self, outcome: str, reason: str) -> None:
        super().__init__(reason)
        self.outcome = outcome
        self.reason = reason


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
        self.handles: dict[int, Handle] = {}
        self.asked = False
        """The tests have asked for something: before that what fails is their own."""
        self.names: dict[str, str] = dict(self.read(plain.Shared()))
        """What the program defines: a `function` (or what else can be called), a `class`, or a `value`."""

    def ask(self, verb: str, target: str | int, *content: Any) -> Any:
        """Ask one question and return the decoded answer."""
        shared = plain.Shared()
        self.asked = True
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

    def read(self, shared: plain.Shared, verb: str = "load") -> Any:
        """Read one answer; what a call changed in its arguments is changed here as well, whatever else came.

        Raises:
            Exception: The candidate raised; as near to what it raised as the built-in kinds allow.
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
                return plain.decode(content, self.handle, shared)
            if kind != "raised":
                raise ValueError(f"unknown answer {kind!r:.40}")
            error = self.exception(verb, *content)
        except TimeoutError:
            raise Ended("timeout", "not answered in time") from None
        except plain.Closed:
            raise Ended("gone", "the candidate's process ended before the tests were through") from None
        except Exception as fault:
            raise Ended("failed", f"the answer is no plain data: {type(fault).__name__}: {fault}"[:300]) from None
        raise error

    def exception(self, verb: str, name: str, kinds: list[str], text: str, made_of: Any, number: int) -> BaseException:
        """Return here what the candidate raised there, and remember that it is the candidate's."""
        if "Exception" not in kinds:
            raise Ended("failed", f"{name}: {text}"[:500])
        arguments, fields = [text], {}
        if made_of is not None:
            arguments, fields = plain.decode(made_of, _no_handle, plain.Shared())
        ends = verb == "next" and "StopIteration" in kinds
        error = exceptions.rebuilt(name, kinds, text, arguments, fields, may_stop=ends or self.expects_stop)
        self.raised[id(error)] = error, number
        if not ends:
            self.to_arrive.append(error)
        return error

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
        """End the check if an exception of the candidate ended a loop of the tests instead of reaching them."""
        for error in self.to_arrive:
            if exceptions.was_swallowed(error):
                raise Ended("failed", f"{type(error).__name__} of a call ended a loop of the tests")

    def own(self, value: Any) -> Any:
        """Return what stands for a candidate's own object that is given back to it."""
        if type(value) is Handle:
            return {"handle": [object.__getattribute__(value, "_number"), kind_of(value)]}
        if id(value) in self.raised:
            return {"handle": [self.raised[id(value)][1], ""]}
        raise Ended("uncrossable", f"the tests give the candidate a {type(value).__name__}, which cannot cross")

    def handle(self, content: Any) -> Any:
        """Return what stands for an object that stayed on the other side: the same for the same object.

        What can be awaited is a coroutine here too, which runs there.
        """
        number, kind = content
        if type(number) is not int:
            raise ValueError("a handle is a number")
        if kind == "coroutine":
            return _awaited(Handle(self, number, kind))
        return self.handles.setdefault(number, Handle(self, number, str(kind)[:80]))

    def stub(self, name: str) -> Any:
        """Return what the tests get for one of the candidate's names: a function, a handle of a class, or a value."""
        if self.names[name] == "function":
            return Function(self, name)
        asked = self.asked or self.names[name] == "value"  # a class says nothing before something is done with it
        value = self.ask("name", name)
        self.asked = asked
        return value


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


class Handle:
    """An object that stayed with the candidate."""

    __slots__ = ("_candidate", "_kind", "_number")

    def __init__(self, candidate: Candidate, number: int, kind: str) -> None:
        object.__setattr__(self, "_candidate", candidate)
        object.__setattr__(self, "_number", number)
        object.__setattr__(self, "_kind", kind)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        """What `isinstance` asks: of types that only a program can make, a generator alone can be named here."""
        return types.GeneratorType if kind_of(self) == "generator" else Handle

    def __getattr__(self, name: str) -> Any:
        if name == "__bases__":
            raise Ended("opaque", f"the tests ask what the candidate's own {kind_of(self)} comes from")
        if name.startswith("__") and name not in ("__name__", "__qualname__", "__dict__"):
            raise AttributeError(name)
        return _about(self, "get", name)

    def __setattr__(self, name: str, value: Any) -> None:
        _about(self, "set", name, value)

    @property
    def __doc__(self) -> Any:  # type: ignore[override]
        return _about(self, "get", "__doc__")

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call the object."""
        return _about(self, "call", arguments, named)

    def __getitem__(self, key: Any) -> Any:
        return _about(self, "item", key)

    def __setitem__(self, key: Any, value: Any) -> None:
        _about(self, "put", key, value)

    def __delitem__(self, key: Any) -> None:
        _about(self, "drop", key)

    def __iter__(self) -> Any:
        return _about(self, "iter")

    def __next__(self) -> Any:
        return _about(self, "next")

    def __len__(self) -> int:
        return int(_about(self, "len"))

    def __contains__(self, value: Any) -> bool:
        return any(entry is value or entry == value for entry in self)

    def __str__(self) -> str:
        return str(_about(self, "text"))


def _about(handle: Handle, verb: str, *content: Any) -> Any:
    candidate: Candidate = object.__getattribute__(handle, "_candidate")
    return candidate.ask(verb, object.__getattribute__(handle, "_number"), *content)


async def _awaited(handle: Handle) -> Any:
    return _about(handle, "await")


def kind_of(handle: Handle) -> str:
    """Return the name of the type of the object that a handle stands for."""
    return str(object.__getattribute__(handle, "_kind"))


def _refused(name: str) -> Callable[..., NoReturn]:
    def operation(self: Handle, *_: Any) -> NoReturn:
        raise Ended("opaque", f"the tests need {name} of the candidate's own {kind_of(self)}")

    return operation


REFUSED = (
    "eq ne lt le gt ge bool hash repr format int float index complex bytes add radd sub rsub mul rmul truediv "
    "rtruediv floordiv rfloordiv mod rmod pow rpow and rand or ror xor rxor neg pos abs invert enter exit reversed "
    "matmul rmatmul divmod rdivmod lshift rshift rlshift rrshift round trunc floor ceil fspath dir "
    "aiter anext aenter aexit await instancecheck subclasscheck mro_entries reduce_ex"
)
for _name in REFUSED.split(" "):
    setattr(Handle, f"__{_name}__", _refused(f"__{_name}__"))
