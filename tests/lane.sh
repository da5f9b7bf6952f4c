#!/usr/bin/env bash
# One lane of the tests: `fast` (half an hour on two cores) or `full` (the same tests at the full numbers).
# Says aloud what it leaves out. PostgreSQL is used where it answers; WALLET_REQUIRE_POSTGRES makes that a duty.
set -euo pipefail
cd "$(dirname "$0")/.."
lane=${1:-fast}
bin=.venv/bin

if [ "$lane" = full ]; then
  export FUZZ=${FUZZ:-100000} KILLS=${KILLS:-20} RACE_ROUNDS=${RACE_ROUNDS:-5} FUZZ_API=${FUZZ_API:-200}
  export INDICES=${INDICES:-100000} DRAWERS=${DRAWERS:-8}
  export CORPUS=${CORPUS:-10000}
  export MACHINE_RUNS=${MACHINE_RUNS:-500} MACHINE_STEPS=${MACHINE_STEPS:-50}
else
  export FUZZ=${FUZZ:-20000} KILLS=${KILLS:-3} RACE_ROUNDS=${RACE_ROUNDS:-1} INDICES=${INDICES:-2000} FUZZ_API=${FUZZ_API:-10}
  export CORPUS=${CORPUS:-1000}
fi
export WALLET_REQUIRE_ORACLE=1

if [ -z "${WALLET_TEST_POSTGRES:-}" ]; then
  candidate=postgresql+psycopg://postgres@127.0.0.1:5432/postgres
  if $bin/python -c "import psycopg; psycopg.connect('${candidate/+psycopg/}', connect_timeout=2).close()" 2>/dev/null; then
    export WALLET_TEST_POSTGRES=$candidate
  elif [ -n "${WALLET_REQUIRE_POSTGRES:-}" ]; then
    echo "✗ PostgreSQL is required here and does not answer on 127.0.0.1:5432"
    echo "  → start it, or name a server in WALLET_TEST_POSTGRES"
    exit 1
  fi
fi

step() { echo "── $*"; }
step "ruff: lint and format"
$bin/ruff check wallet tests bench docs wsgi.py
$bin/ruff format --check wallet tests bench docs wsgi.py
step "mypy"
$bin/mypy wallet wsgi.py
step "import contracts"
$bin/lint-imports
step "codespell"
$bin/codespell wallet tests bench docs README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md
if [ -x wallet/web/front/node_modules/.bin/tsc ] && command -v node >/dev/null; then
  step "tsc"
  (cd wallet/web/front && node node_modules/typescript/bin/tsc --noEmit)
fi
left_out=""
[ -n "${WALLET_TEST_POSTGRES:-}" ] || left_out="PostgreSQL does not answer: its half of the suite"
if ! command -v chromium >/dev/null && ! command -v chromium-browser >/dev/null; then
  left_out="${left_out:+$left_out; }no Chromium: the browser tests (apt-get install chromium)"
fi
if ! command -v npm >/dev/null; then
  left_out="${left_out:+$left_out; }no Node.js: what its libraries say of our documents (apt-get install nodejs npm)"
fi
if ! command -v pdfsig >/dev/null; then
  left_out="${left_out:+$left_out; }no poppler: what others read in a PDF (apt-get install poppler-utils)"
fi
if ! command -v softhsm2-util >/dev/null; then
  left_out="${left_out:+$left_out; }no SoftHSM: keys in a hardware module (apt-get install softhsm2)"
fi
trap '[ -z "$left_out" ] || echo "SKIPPED ALOUD: $left_out"' EXIT
step "pytest ($lane: FUZZ=$FUZZ KILLS=$KILLS RACE_ROUNDS=$RACE_ROUNDS INDICES=$INDICES FUZZ_API=$FUZZ_API CORPUS=$CORPUS)"
$bin/python -m pytest -n "${JOBS:-2}" --dist worksteal --durations 20 "${@:2}"
