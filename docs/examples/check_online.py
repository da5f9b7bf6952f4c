"""Check a code online, as a desk: check_online.py CODE URL PURPOSE, the key in DESK_KEY. Standard library alone."""

import json
import os
import sys
import urllib.request

code, url, purpose = sys.argv[1:4]
headers = {"X-Desk-Key": os.environ["DESK_KEY"], "Content-Type": "application/json"}
body = json.dumps({"code": code, "purpose": purpose}).encode()
request = urllib.request.Request(f"{url}/v1/verifier/checks", body, headers)
with urllib.request.urlopen(request, timeout=10) as response:
    answer = json.load(response)
print(answer["verdict"], *answer["reasons"])
sys.exit(0 if answer["accepted"] else 1)
