"""What the verifier of the pages takes in Node.js, beside the one in Python: the same code, in turns."""

import json
import shutil
import statistics
import subprocess
from pathlib import Path

from bench.cases import Bench, Row, bundle_of, code_of, judging, opened
from bench.timing import CPU
from wallet.web.front_assets import DIST, built

SCRIPT = Path(__file__).with_name("front.mjs")


def verifying_in_typescript(bench: Bench) -> list[Row]:
    """The whole text of a code to its answer, offline, in both; nothing where there is no Node.js."""
    assets = built()
    if assets is None or shutil.which("node") is None:
        bench.on_step("offline verify, TypeScript: left out, for there is no Node.js", 1, 1)
        return []
    with opened(bench.template) as wallet:
        code, trust, now = code_of(wallet), bundle_of(wallet), wallet.clock.now()
        judge = judging(code, trust, now)
        first = {
            "verifier": str(DIST / assets.entries["verifier"]),
            "bundle": trust.token,
            "pins": [wallet.trust.pin],
            "now": now.timestamp(),
            "code": code,
        }
        calls, rounds = bench.effort.calls, bench.effort.rounds
        here, there = [], []
        with subprocess.Popen(["node", str(SCRIPT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as node:
            assert node.stdin is not None
            assert node.stdout is not None
            node.stdin.write(json.dumps(first) + "\n")
            for number in range(rounds + 1):  # the first warms both
                node.stdin.write(f"{calls}\n")
                node.stdin.flush()
                there.append(float(node.stdout.readline()))
                started = CPU()
                for _ in range(calls):
                    judge()
                here.append((CPU() - started) / calls / 1000)
                bench.on_step("offline verify, TypeScript", number, rounds)
            node.stdin.close()
    more = {"what_median": statistics.median(there[1:]), "than_median": statistics.median(here[1:])}
    case, what = "offline verify, TypeScript", "VD1 text to answer, Node.js"
    return [Row(case, what, min(there[1:]), "the same in Python", min(here[1:]), more=more)]
