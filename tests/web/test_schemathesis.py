"""Every operation, fuzzed from its own description, signed in as an admin: no crash, and no answer but the described.

FUZZ_API is the number of examples for each operation: 10 in the fast lane, 200 in the full one.
"""

import os
from collections import Counter
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, urlsplit

import pytest
import schemathesis
from flask.testing import FlaskClient
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.config import SchemathesisConfig
from schemathesis.pytest.lazy import get_all_tests

from tests.phone import CitizenPhone
from wallet.crypto.keystore import Secret
from wallet.demo.gates import GATES, key_of
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]

EXAMPLES = int(os.environ.get("FUZZ_API", "10"))
PARTS = 8
"""So many tests share the operations: two workers take them in turn, and none is longer than a test may be."""
SETTINGS = settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
FEWEST_REFUSALS = 5
"""Of each part: some have little more than reads, which answer 400 where a write answers 422."""
# What a request that fits the description may still meet: an id that does not exist, a cursor of nobody, a
# version that has to be named, a limit.
MEANT_WELL = ["2xx", "304", "400", "401", "403", "404", "406", "409", "412", "422", "428", "429"]
REFUSED = ["400", "401", "403", "404", "405", "406", "409", "412", "413", "415", "422", "428", "429", "431"]


@pytest.fixture
def api(client: FlaskClient) -> schemathesis.BaseSchema:
    config = SchemathesisConfig()
    checks = config.projects.default.checks
    checks.positive_data_acceptance.expected_statuses = MEANT_WELL
    checks.negative_data_rejection.expected_statuses = REFUSED
    checks.missing_required_header.expected_statuses = REFUSED
    return schemathesis.openapi.from_wsgi("/openapi.json", client.application, config=config)


@pytest.fixture
def headers(phone_of: Make, wallet: Wallet) -> Callable[[schemathesis.Case], dict[str, str]]:
    """Give each call the token of an admin; signing out gets one of its own, for it ends the session. A verifier's
    desk has its key."""
    admin = phone_of("admin1")
    sandbox = {"X-Desk-Key": key_of(GATES[-1], wallet.keystore.secret(Secret.DEMO)).shown}

    def of(case: schemathesis.Case) -> dict[str, str]:
        name = case.operation.definition.raw["operationId"]
        if case.operation.definition.raw.get("security") == [{"desk": []}]:
            return sandbox
        return phone_of("an").headers if name == "sign_out" else admin.headers

    return of


@pytest.mark.timeout(300 + 10 * EXAMPLES)
@pytest.mark.parametrize("part", range(PARTS))
def test_every_operation_answers_as_it_is_described(
    part: int,
    api: schemathesis.BaseSchema,
    headers: Callable[[schemathesis.Case], dict[str, str]],
    subtests: pytest.Subtests,
) -> None:
    load_all_checks()
    response_schema_conformance = CHECKS.get_one("response_schema_conformance")
    negative_data_rejection = CHECKS.get_one("negative_data_rejection")
    statuses: Counter[int] = Counter()

    def check(case: schemathesis.Case) -> None:
        sent = headers(case)
        response = case.call(headers=sent)
        assert response.status_code < 500
        # schemathesis takes `application/jwt` for JSON, which a compact JWS is not.
        excluded = [response_schema_conformance] if case.operation.path == "/v1/trust/bundle" else []
        if lost_on_the_way(case.query, response.request.url):
            excluded.append(negative_data_rejection)
        case.validate_response(response, excluded_checks=excluded, headers=sent, transport_kwargs={"headers": sent})
        statuses[response.status_code] += 1

    # `schema.parametrize()` of schemathesis 4.32 writes to an attribute that pytest 9 no longer has; this is its body.
    tests = list(get_all_tests(schema=api, test_func=check, settings=SETTINGS, given_kwargs={}))
    assert len(tests) > 25
    for result in tests[part::PARTS]:
        operation, fuzz = result.ok()
        with subtests.test(operation.label):
            fuzz()
    granted = sum(count for status, count in statuses.items() if status < 300)
    assert granted > EXAMPLES // 2, "the fuzzer gets past the door"
    assert statuses[422] > FEWEST_REFUSALS, "the fuzzer finds what to refuse"


def lost_on_the_way(query: Mapping[str, object] | None, url: str) -> bool:
    """Return whether a parameter that should not be there is not in the address either: an empty list is written as
    nothing, and what arrives is a good request."""
    return not set(query or {}) <= {name for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)}
