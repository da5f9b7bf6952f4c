"""The contract, held against every utility that is found: a new folder arrives tested.

What the contract says is in `wallet/utilities/conformance.py`, where a package of somebody else finds it too; whether
that refuses what it should is in `test_declaration.py`, `test_trials.py` and `test_source_rules.py`. Here stands what
needs the rest of the wallet: the other reader, the QR library, a process of its own.
"""

import json
import subprocess
import sys
import unicodedata
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.oracle import reader
from wallet.documents.qr_image import matrix
from wallet.formats import compact_values as wire
from wallet.utilities.base import DocumentType, Kind, Lifecycle, Move
from wallet.utilities.catalogue import Catalogue, Plugin
from wallet.utilities.conformance import every_fault, faults_of_package
from wallet.utilities.declaration import LIFECYCLES, faults_of_lifecycle
from wallet.utilities.examples import Example, answered, load, read_examples
from wallet.utilities.fitting import LONGEST_NAME, longest, longest_code, longest_places
from wallet.utilities.lifecycles import DRAFT
from wallet.utilities.paper import compact_value, full_claims
from wallet.utilities.source_rules import PURE
from wallet.utilities.stating import claims_of

PLUGINS = list(Catalogue.discover())
each = pytest.mark.parametrize("plugin", PLUGINS, ids=[plugin.utility.code for plugin in PLUGINS])


def folder(plugin: Plugin) -> Path:
    spec = find_spec(plugin.module)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def accepted(plugin: Plugin) -> list[tuple[DocumentType, Example, dict[str, object]]]:
    """Return the kind of document, the example and the claims of each accepted example."""
    found = []
    for example in read_examples(plugin.utility, load(plugin.module)).accepted:
        case = answered(plugin.utility, example)
        kind = plugin.utility.document_of(case)
        found.append((kind, example, claims_of(kind, case)))
    return found


def test_there_is_a_utility() -> None:
    assert "residence" in [plugin.utility.code for plugin in PLUGINS]


@each
def test_it_has_no_faults(plugin: Plugin) -> None:
    assert every_fault(plugin) == []
    assert faults_of_package(plugin.module) == []


@each
def test_its_folder_has_its_name(plugin: Plugin) -> None:
    assert plugin.utility.code.replace("-", "_") == folder(plugin).name


# --- On paper -------------------------------------------------------------------------------------------------------


@each
def test_values_of_the_examples_go_into_a_code_and_come_out_of_the_other_reader(plugin: Plugin) -> None:
    for kind, example, claims in accepted(plugin):
        for claim in kind.claims:
            if claim.name in claims and claim.kind is not Kind.RECORDS:
                value = compact_value(claim.kind, claims[claim.name])
                read, readable = wire.readable_value(str(claim.kind), value)
                assert read == claim.kind, (example.name, claim.name)
                assert readable == full_claims(kind, claims)[claim.name], (example.name, claim.name)


def test_longest_name_is_long_and_has_every_stack_of_marks() -> None:
    letters = [letter for letter in LONGEST_NAME if letter != " "]
    assert len(letters) >= 60
    assert unicodedata.is_normalized("NFC", LONGEST_NAME)
    stacked = {letter for letter in letters if len(unicodedata.normalize("NFD", letter)) == 3}
    assert len(stacked) >= 4
    assert all(len(name) > 15 for name in longest_places())


@each
def test_s45_longest_legal_names_fit_a_printed_code(plugin: Plugin) -> None:
    """Drawn by the QR library and read by the other reader, whole and at its least."""
    for kind, _, claims in accepted(plugin):
        long = longest(kind, claims)
        for least in (False, True):
            code = longest_code(kind, long, least=least)
            assert len(code) <= 970
            assert (len(matrix(code)) - 17) // 4 <= 20
            body = reader.parse_cbor(reader.parse_tag_18(reader.inflate(reader.unbase45(code[4:]), 4096))[2])[-70000]
            shown = {claim.number: long[claim.name] for claim in kind.claims if claim.name in long}
            assert body[3]
            assert all(body[3][number] == shown[number] for number in body[3] if isinstance(shown[number], str))


# --- What it may touch ----------------------------------------------------------------------------------------------

IMPORTING = """
import importlib, json, sys
import wallet.utilities.base
for name in sys.argv[3:]:
    importlib.import_module(name)
seen = []
watched = ("open", "socket.", "subprocess.", "os.system", "os.exec", "os.fork", "sqlite3.", "_thread.start_new_thread")
def hook(event, arguments):
    own = event == "open" and isinstance(arguments[0], str) and arguments[0].startswith(sys.argv[2])
    if event.startswith(watched) and not (own and ".py" in arguments[0]):
        seen.append([event, repr(arguments)[:200]])
sys.addaudithook(hook)
importlib.import_module(sys.argv[1])
loaded = {name.split(".")[0] for name in sys.modules}
print(json.dumps([seen, sorted(loaded & {"flask", "sqlalchemy", "marshmallow", "qrcode", "cryptography", "httpx"})]))
"""


@each
def test_importing_it_opens_nothing_but_itself(plugin: Plugin) -> None:
    command = [sys.executable, "-c", IMPORTING, plugin.module, str(folder(plugin)), *sorted(PURE)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    opened, heavy = json.loads(done.stdout)
    assert opened == []
    assert heavy == []


# --- Lifecycles -----------------------------------------------------------------------------------------------------

EVERY_LIFECYCLE = {lifecycle.code: lifecycle for lifecycle in LIFECYCLES} | {
    plugin.utility.lifecycle.code: plugin.utility.lifecycle for plugin in PLUGINS
}


def walker(lifecycle: Lifecycle) -> type[RuleBasedStateMachine]:
    """Return a machine that walks a lifecycle at random and keeps count of what it does to the document."""

    class Walk(RuleBasedStateMachine):
        @initialize()
        def begin(self) -> None:
            self.state = DRAFT
            self.issued = self.voided = 0
            self.last: Move | None = None

        @rule(data=st.data())
        def make_a_move(self, data: st.DataObject) -> None:
            moves = lifecycle.from_(self.state)
            if moves:
                move = data.draw(st.sampled_from(moves))
                assert lifecycle.move(self.state, move.action) is move
                self.state, self.last = move.target, move
                self.issued += move.issues
                self.voided += move.voids

        @rule(action=st.sampled_from(["submit", "approve", "no_such_action", *{m.action for m in lifecycle.moves}]))
        def what_is_no_arrow_leads_nowhere(self, action: str) -> None:
            move = lifecycle.move(self.state, action)
            assert (move is None) == (action not in {each.action for each in lifecycle.from_(self.state)})

        @invariant()
        def the_document_is_issued_once_and_voided_after_that(self) -> None:
            if hasattr(self, "state"):
                assert self.voided <= self.issued <= 1
                assert self.state in lifecycle.states
                assert (self.state in lifecycle.final) == (not lifecycle.from_(self.state))

    return Walk


@pytest.mark.parametrize("code", EVERY_LIFECYCLE)
def test_a_walk_through_a_lifecycle_issues_once_at_most(code: str) -> None:
    lifecycle = EVERY_LIFECYCLE[code]
    assert list(faults_of_lifecycle(lifecycle)) == []
    steps = settings(max_examples=40, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(walker(lifecycle), settings=steps)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("code", EVERY_LIFECYCLE)
def test_a_lifecycle_of_one_code_is_one_lifecycle(code: str) -> None:
    ours = {lifecycle.code: lifecycle for lifecycle in LIFECYCLES}
    for plugin in PLUGINS:
        if plugin.utility.lifecycle.code == code and code in ours:
            assert plugin.utility.lifecycle == ours[code]
