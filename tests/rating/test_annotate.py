"""A rater's session: blind, in an order of its own, on disk before anything else, and for one rater only."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
from urllib.parse import urlsplit

import pytest

from harness.errors import HarnessError, IncompleteError
from harness.rating.people.annotation.access import Gate, names_this_server
from harness.rating.people.annotation.board import Board
from harness.rating.people.annotation.server import serve
from harness.rating.people.annotation.session import Session, StaleError
from harness.rating.people.annotation.shown import parts
from harness.rating.people.human import asked_of
from harness.records import Item, Response
from harness.run.folder import Run
from harness.suite import Suite

KEY = bytes(range(32))
CONTENTS = {"name": "x", "models": [{"name": "m", "model": "embedded"}], "tasks": [{"task": "t"}]}


def make_run(folder, items=12) -> Run:
    run = Run.create(folder, Suite.model_validate(CONTENTS))
    run.write(
        [Item(task="t", item_id=str(n), family="commonsense", prompt=f"Question {n}?") for n in range(items)], "t"
    )
    answers = [
        Response(response_id=f"{n * 7919 + k:08x}", task="t", item_id=str(n), model=model, text=f"{word} {n}")
        for n in range(items)
        for k, (model, word) in enumerate((("secret-model", "Yes"), ("other-model", "No")))
    ]
    run.write(answers, "t")
    return run


@pytest.fixture
def run(tmp_path) -> Run:
    return make_run(tmp_path / "run")


def session(run, rater="h_00000001", question="human_correctness", **options) -> Session:
    return Session(run, rater, asked_of(run, [question]), **options)


def test_the_order_differs_by_rater_and_is_kept(run):
    one, two = session(run, repeats=0), session(run, "h_00000002", repeats=0)
    assert {unit.about for unit in one.plan} == {unit.about for unit in two.plan}
    assert one.plan != two.plan
    one.journal.close()
    assert session(run, repeats=0).plan == one.plan


def test_what_is_shown_names_no_model(run):
    assert "model" not in json.dumps(session(run).state())


def test_answers_are_ratings_at_once(run):
    rating = session(run, repeats=0)
    state = rating.state()
    state = rating.answer(state["unit"], 1, "plainly so", 3.0)
    state = rating.answer(state["unit"], None)
    rows = Run(run.folder).ratings
    assert sorted(rows["status"]) == ["ok", "skipped"]
    given = rows[rows["status"] == "ok"].iloc[0]
    assert (given["value"], given["rationale"], given["criterion"], given["scale"]) == (
        1,
        "plainly so",
        "correctness",
        "binary",
    )
    assert 0 <= given["seconds"] <= 3
    assert state["done"] == 2


def test_undo_takes_back_and_a_changed_answer_is_flagged(run):
    rating = session(run, repeats=0)
    unit = rating.state()["unit"]
    rating.answer(unit, 1, "hm")
    state = rating.undo()
    assert (state["unit"], state["before"]) == (unit, {"value": 1, "comment": "hm"})
    assert Run(run.folder).ratings.empty
    rating.answer(unit, 0)
    row = Run(run.folder).ratings.iloc[0]
    assert (row["value"], list(row["flags"])) == (0, ["edited"])
    rating.undo()
    with pytest.raises(StaleError, match="nothing to undo"):
        rating.undo()


def test_repeats_come_later_and_are_repetitions(run):
    rating = session(run, repeats=0.25)
    assert len(rating.plan) == 24 + 6
    for unit in (unit for unit in rating.plan if unit.repetition == 1):
        places = [place for place, other in enumerate(rating.plan) if other.about == unit.about]
        assert places[1] - places[0] > 1
    while (state := rating.state())["unit"]:
        rating.answer(state["unit"], 1)
    assert sorted(Run(run.folder).ratings["repetition"].tolist()) == [0] * 24 + [1] * 6


def test_a_comparison_is_told_from_one_side_whatever_was_shown_first(run):
    rating = session(run, question="human_preference", repeats=0)
    while (state := rating.state())["unit"]:
        yes_is_first = state["sides"][0]["text"].startswith("Yes")
        rating.answer(state["unit"], 1.0 if yes_is_first else 0.0)  # "Yes" always wins
    rows = Run(run.folder).ratings
    assert set(rows["value"]) == {0}  # the comparison is told from other-model, which says "No"
    assert set(rows["order"]) == {"response_first", "against_first"}


def test_attention_checks_are_counted_and_are_no_ratings(run):
    rating = session(run, repeats=0, checks=3)
    while (state := rating.state())["unit"]:
        rating.answer(state["unit"], 1)
    passed, asked = rating.checks()
    told = [unit.check for unit in rating.plan if unit.check is not None]
    assert (passed, asked) == (sum(value == 1 for value in told), 3)
    assert len(Run(run.folder).ratings) == 24


def test_a_stale_answer_and_a_wrong_grade_are_refused(run):
    rating = session(run)
    unit = rating.state()["unit"]
    with pytest.raises(HarnessError, match="no grade"):
        rating.answer(unit, 0.5)
    rating.answer(unit, 1)
    with pytest.raises(StaleError):
        rating.answer(unit, 0)
    assert Run(run.folder).ratings["value"].tolist() == [1]


def test_another_question_later_keeps_what_was_said(run):
    first = session(run, repeats=0)
    first.answer(first.state()["unit"], 1)
    first.journal.close()
    second = session(run, question="human_preference", repeats=0)
    second.answer(second.state()["unit"], 0.5)
    assert sorted(Run(run.folder).ratings["criterion"]) == ["correctness", "preference"]


def test_one_rater_has_one_session_at_a_time(run):
    held = session(run)
    with pytest.raises(IncompleteError, match="run_locked"):
        session(run)
    held.journal.close()


def test_a_killed_server_loses_nothing(run):
    code = (
        "import sys; sys.path.insert(0, sys.argv[2])\n"
        "from test_annotate import session; from harness.run.folder import Run; import os, signal\n"
        "rating = session(Run(sys.argv[1]), repeats=0)\n"
        "for _ in range(5): rating.answer(rating.state()['unit'], 1)\n"
        'rating.journal._handle.write(b\'{"event": "answer", "unit": \'); rating.journal._handle.flush()\n'
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(run.folder), os.path.dirname(__file__)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(Run(run.folder).ratings) == 5
    again = session(run, repeats=0)
    assert again.state()["done"] == 5
    again.answer(again.state()["unit"], 0)
    assert len(Run(run.folder).ratings) == 6


def ask(address, path, method="GET", body=None, **headers):
    where = urlsplit(address)
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=10)
    given = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    connection.request(method, path, body, given)
    reply = connection.getresponse()
    content = reply.read()
    connection.close()
    return reply.status, dict(reply.getheaders()), content


@pytest.fixture
def served(run):
    sessions = {rater: session(run, rater) for rater in ("h_00000001", "h_00000002")}
    with serve(sessions, KEY) as addresses:
        yield {address.rater: address.url for address in addresses}


def enter(address):
    where = urlsplit(address)
    status, headers, _ = ask(address, f"{where.path}?{where.query}")
    assert status == 200
    return headers["Set-Cookie"]


def test_the_token_becomes_a_cookie_for_one_rater(served):
    one, two = served["h_00000001"], served["h_00000002"]
    cookie = enter(one)
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Path=/h_00000001" in cookie
    proof = cookie.split(";")[0]
    status, headers, content = ask(one, "/h_00000001/state", Cookie=proof)
    assert status == 200
    assert json.loads(content)["total"] > 0
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert ask(one, "/h_00000002/state", Cookie=proof)[0] == 403
    assert ask(one, "/h_00000001/state")[0] == 403
    assert ask(two, f"/h_00000002/?{urlsplit(one).query}")[0] == 403
    assert ask(one, "/h_00000001/state", Cookie="harness_rater=x")[0] == 403


def test_other_hosts_origins_and_kinds_of_request_are_refused(served):
    address = served["h_00000001"]
    here = f"http://{urlsplit(address).netloc}"
    proof = enter(address).split(";")[0]
    unit = json.loads(ask(address, "/h_00000001/state", Cookie=proof)[2])["unit"]
    said = json.dumps({"unit": unit, "value": 1})

    def answer(**headers):
        return ask(address, "/h_00000001/answer", "POST", said, **{"Cookie": proof, "Origin": here, **headers})[0]

    assert ask(address, "/h_00000001/state", Cookie=proof, Host="evil.example:80")[0] == 403
    assert ask(address, "/h_00000001/state", Cookie=proof, Host=f"evil.example:{urlsplit(address).port}")[0] == 403
    assert answer(Origin="http://evil.example") == 403
    assert answer(Origin="null") == 403
    assert answer(Content_Type="text/plain") == 415
    assert ask(address, "/h_00000001/answer", "POST", "x" * 100_000, Cookie=proof, Origin=here)[0] == 413
    assert ask(address, "/h_00000001/answer", "POST", '{"unit": 1, "value": true}', Cookie=proof, Origin=here)[0] == 400
    assert ask(address, "/h_00000001/../../etc/passwd", Cookie=proof)[0] == 404
    assert answer() == 200
    assert answer() == 409


def test_only_loopback_unless_wanted_and_guarded(run):
    one = {"h_00000001": session(run)}
    for options in ({}, {"allow_remote": True}, {"password": "x"}):
        with pytest.raises(HarnessError, match="open to the network"), serve(one, KEY, host="0.0.0.0", **options):
            pass
    gate = Gate(KEY, "run", ["h_00000001"], "pass")
    token = gate.tokens["h_00000001"]
    assert not gate.lets_in("h_00000001", token)
    assert not gate.lets_in("h_00000001", token, "wrong")
    assert gate.lets_in("h_00000001", token, "pass")
    assert [gate.lets_in("h_00000001", "x", "y") for _ in range(20)] == [False] * 20
    assert not gate.lets_in("h_00000001", token, "pass")  # too many guesses


def test_wrong_tokens_lock_out_nobody_else_and_a_wait_passes(run, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("harness.rating.people.annotation.access.time.monotonic", lambda: now[0])
    with_password, without = (Gate(KEY, "run", ["h_00000001", "h_00000002"], word) for word in ("pass", None))
    for gate in (with_password, without):
        for _ in range(25):
            assert not gate.lets_in("h_00000001", "wrong", "wrong", "192.0.2.1")
    token = {rater: with_password.tokens[rater] for rater in with_password.tokens}
    assert with_password.lets_in("h_00000001", token["h_00000001"], "pass", "192.0.2.2")
    assert without.lets_in("h_00000001", without.tokens["h_00000001"], None, "192.0.2.1")  # no token can be guessed
    assert not with_password.lets_in("h_00000001", token["h_00000001"], "pass", "192.0.2.1")
    for number in range(25):  # passwords tried with a token that leaked, each from elsewhere
        assert not with_password.lets_in("h_00000002", token["h_00000002"], "wrong", f"198.51.100.{number}")
    assert not with_password.lets_in("h_00000002", token["h_00000002"], "pass", "192.0.2.2")
    assert with_password.lets_in("h_00000001", token["h_00000001"], "pass", "192.0.2.2")
    now[0] += 61
    assert with_password.lets_in("h_00000001", token["h_00000001"], "pass", "192.0.2.1")
    assert with_password.lets_in("h_00000002", token["h_00000002"], "pass", "192.0.2.2")


BODIES = [
    b"null", b"[1]", b"7", b"[" * 60_000, b'{"unit": ', b"\xff\xfe", b'{"value": 1}', b'{"unit": "x", "value": NaN}',
    b'{"unit": "UNIT", "value": 1, "seconds": NaN}', b'{"unit": "UNIT", "value": 1, "seconds": 1e999}',
    b'{"unit": "UNIT", "value": 1, "seconds": 1' + b"0" * 400 + b"}",
    b'{"unit": "UNIT", "value": ' + b"9" * 5000 + b"}",
    b'{"unit": "UNIT", "value": "1"}', b'{"unit": "UNIT", "value": [1]}', b'{"unit": ["UNIT"], "value": 1}',
]  # fmt: skip


def test_what_cannot_be_understood_is_a_400_and_nothing_is_written(run):
    one, lines = session(run), []
    with serve({"h_00000001": one}, KEY, tell=lines.append) as [address]:
        here = f"http://{urlsplit(address.url).netloc}"
        proof = enter(address.url).split(";")[0]
        unit = json.loads(ask(address.url, "/h_00000001/state", Cookie=proof)[2])["unit"].encode()
        events = len(one.journal.events)
        for body in BODIES:
            said = body.replace(b"UNIT", unit)
            status, _, content = ask(address.url, "/h_00000001/answer", "POST", said, Cookie=proof, Origin=here)
            assert status in (400, 409), (body[:60], status, content)
            assert b"Traceback" not in content
        for path in ("/h_00000001/?token=%ff", "/%00", "//", "/h_00000001/" + "?" + "a&" * 5000):
            assert ask(address.url, path)[0] in (400, 403, 404, 414)
        for name, value in (("Content-Length", "\u00b2"), ("Transfer-Encoding", "chunked")):
            where = urlsplit(address.url)
            with socket.create_connection((where.hostname, where.port), timeout=10) as raw:
                first = f"POST /h_00000001/answer HTTP/1.1\r\nHost: {where.netloc}\r\nOrigin: {here}"
                head = f"{first}\r\n{name}: {value}\r\n\r\n"
                raw.sendall(head.encode("latin-1"))
                assert raw.recv(100).startswith((b"HTTP/1.1 4",))
        assert len(one.journal.events) == events
        odd = json.dumps({"unit": unit.decode(), "value": 1, "comment": "half \ud800", "seconds": 0.5}).encode()
        assert ask(address.url, "/h_00000001/answer", "POST", odd, Cookie=proof, Origin=here)[0] == 200
        assert ask(address.url, "/h_00000001/undo", "POST", b"{}", Cookie=proof, Origin=here)[0] == 200
    assert not any("failed" in line for line in lines)


def test_a_cookie_is_good_after_a_restart_and_for_one_run(run):
    proof = Gate(KEY, "run", ["h_00000001"]).cookie("h_00000001")
    assert Gate(KEY, "run", ["h_00000001"]).knows("h_00000001", proof.split(";")[0])
    assert not Gate(KEY, "other", ["h_00000001"]).knows("h_00000001", proof.split(";")[0])


def test_hosts():
    assert names_this_server("127.0.0.1:80", "127.0.0.1", 80)
    assert names_this_server("localhost:80", "127.0.0.1", 80)
    assert names_this_server("[::1]:80", "127.0.0.1", 80)
    assert not names_this_server("127.0.0.1:81", "127.0.0.1", 80)
    assert not names_this_server("127.0.0.1.evil.example:80", "127.0.0.1", 80)
    assert not names_this_server(None, "127.0.0.1", 80)


def test_a_task_is_rated_to_its_end_before_the_next_begins(run):
    run.write([Item(task="u", item_id="0", family="coding", prompt="Write it.")], "u")
    answers = [Response(response_id=f"u{n}", task="u", item_id="0", model=f"m{n}", text="x = 1") for n in range(6)]
    run.write(answers, "u")
    asked = asked_of(run, ["human_correctness"], ["t", "u"])
    for rater in ("h_00000001", "h_00000002", "h_00000003"):
        shown = Session(run, rater, asked, repeats=0.3)
        plan = shown.plan
        tasks = ["u" if str(unit.response_id).startswith("u") else "t" for unit in plan]
        assert sum(one != other for one, other in itertools.pairwise(tasks)) == 1
        assert len(plan) == 30 + 9  # 24 of t and 6 of u, and 0.3 of them twice
        assert [one["name"] for one in shown.welcome["tasks"]] == list(dict.fromkeys(tasks))  # as they come


def test_a_limit_takes_the_same_items_for_everybody_and_a_larger_one_more(run):
    few, more = ({one.response.item_id for one in asked_of(run, ["human_correctness"], limit=n)} for n in (3, 5))
    assert len(few) == 3
    assert few < more
    assert len(asked_of(run, ["human_correctness"], limit=3)) == 6  # two models answered each


def test_the_first_screen_says_what_is_asked_by_whom_and_how_long(run):
    said = session(run, repeats=0, lead="Grace").state()["welcome"]
    # each shows two words of a prompt and two of an answer: 24 * 4 / 230 words a minute + 24 * 6 s = 2.8 minutes
    assert (said["lead"], said["minutes"], said["tasks"]) == ("Grace", 3, [{"name": "t", "n": 24}])
    assert said["questions"][0]["question"] == "Is the answer right?"


def test_code_is_told_from_prose_and_nothing_of_it_is_lost():
    text = "Here it is:\n```python\ndef f(n):\n    return 1  # one\n```\nThat adds."
    prose, code, after = parts(text, coding=True)
    assert [part["code"] for part in (prose, code, after)] == [False, True, False]
    assert "".join(word for _, word in code["words"]) == "def f(n):\n    return 1  # one\n"
    assert {"k", "f", "n", "c"} <= {kind for kind, _ in code["words"]}
    (plain,) = parts("It is 4 or so, if I am right.", coding=True)
    assert plain == {"code": True, "words": [["", "It is 4 or so, if I am right."]]}  # monospace, no keyword coloured
    assert parts("Only prose.") == [{"code": False, "words": [["", "Only prose."]]}]


def agreed(frame):
    return [{"criterion": "correctness", "raters": sorted(frame["rater"].unique()), "n": len(frame)}]


def test_the_lead_sees_progress_and_agreement_but_no_answer_and_not_while_still_blind(run):
    ada = session(run, "h_00000001", repeats=0, name="Ada", lead="Ada")
    bob = session(run, "h_00000002", repeats=0, name="Bob", lead="Ada")
    board = Board([ada, bob], agreed, "Ada")
    assert "two people" in Board([ada, bob], agreed).state()["hidden"]
    for one, count in ((ada, 3), (bob, 24)):
        for _ in range(count):
            one.answer(one.state()["unit"], 1, "a word", 2.0)
    seen = board.state()
    assert [(one["name"], one["done"], one["total"]) for one in seen["raters"]] == [("Ada", 3, 24), ("Bob", 24, 24)]
    assert "Ada is still rating" in seen["hidden"]
    assert seen["agreement"] == []
    for lead in (" ada", "ADA\u00a0"):  # the same person, written otherwise; or by the pseudonym alone
        assert Board([ada, bob], agreed, lead).state()["agreement"] == []
    assert Board([ada, bob], agreed, "Grace", "h_00000001").state()["agreement"] == []
    other = Board([ada, bob], agreed, "Grace").state()
    assert (other["hidden"], other["agreement"][0]["n"]) == ("", 27)
    assert "a word" not in json.dumps([seen, other])
    assert "secret" not in json.dumps([seen, other])


def test_the_terminal_gets_a_line_an_event_and_the_lead_a_page(run):
    told = []
    ada = session(run, "h_00000001", name="Ada", repeats=0)
    with serve({"h_00000001": ada}, KEY, board=Board([ada], agreed), tell=told.append) as addresses:
        assert [address.rater for address in addresses] == ["h_00000001", "lead"]
        proof = enter(addresses[0].url).split(";")[0]
        here = f"http://{urlsplit(addresses[0].url).netloc}"
        said = json.dumps({"unit": ada.state()["unit"], "value": 1})
        ask(here, "/h_00000001/answer", "POST", said, Cookie=proof, Origin=here)
        ask(here, "/h_00000001/undo", "POST", "{}", Cookie=proof, Origin=here)
        ask(here, "/h_00000001/close", "POST", "{}", Cookie=proof, Origin=here)
        lead = enter(addresses[1].url).split(";")[0]
        assert json.loads(ask(here, "/lead/state", Cookie=lead)[2])["raters"][0]["name"] == "Ada"
        assert ask(here, "/lead/state", Cookie=proof)[0] == 403  # a rater's key does not open the lead's page
        assert ask(here, "/lead/answer", "POST", said, Cookie=lead, Origin=here)[0] == 404
    assert told == [
        "Ada opens the page",
        "Ada: 1 of 24",
        "Ada takes an answer back: 0 of 24",
        "Ada stops: 0 of 24",
        "the lead opens the page",
    ]
