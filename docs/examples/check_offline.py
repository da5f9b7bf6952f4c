"""Check a code with the network dead: check_offline.py CODE STORE PIN. `refresh` keeps the store's bundle fresh."""

import sys
from datetime import UTC, datetime
from pathlib import Path

from wallet.verifier import FileReplay, Policy, judge
from wallet.verifier.refreshing import Held

code, store, pin = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
bundle = Held(store, [pin]).bundle()
if bundle is None:
    sys.exit("no trust bundle yet: python -m wallet.verifier refresh --url URL --pin PIN --store STORE")
answer = judge(code, bundle, Policy(gate_id="C3"), datetime.now(UTC), FileReplay(store / "seen.sqlite"))
print(answer.verdict, *answer.reasons)
sys.exit(0 if answer.accepted else 1)
