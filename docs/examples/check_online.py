"""Check a code online, as a desk: check_online.py CODE URL PURPOSE, the key in DESK_KEY. Standard library alone."""

import json
import os
import sys
from urllib import error, request

code, url, purpose = sys.argv[1:4] if len(sys.argv) == 4 else sys.exit(__doc__)
key = os.environ.get("DESK_KEY") or sys.exit("DESK_KEY is not set: `wallet demo desks` shows a key to try with")
headers = {"X-Desk-Key": key, "Content-Type": "application/json"}
body = json.dumps({"code": code, "purpose": purpose}).encode()
try:
    answer = json.load(request.urlopen(request.Request(f"{url}/v1/verifier/checks", body, headers), timeout=10))
except (OSError, ValueError) as failed:  # a refusal of the service says what to try next
    refusal = isinstance(failed, error.HTTPError) and failed.headers.get_content_subtype() == "problem+json"
    sys.exit("{code}: {detail}".format(**json.load(failed)) if refusal else f"{failed}: is {url} the service?")
print(answer["verdict"], *answer["reasons"])
sys.exit(0 if answer["accepted"] else 1)
