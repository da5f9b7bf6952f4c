"""A check with the network dead: in a process of its own, told of a picture, a bundle and a pin, and no more."""

import json
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wallet.demo.stories.calling import Surprise


def check_offline(
    image: Path, bundle: Path, pin: str, at: float, exit_code: int, reason: str
) -> tuple[dict[str, Any], float]:
    """Return the verdict and how many milliseconds it took. at: seconds since 1970, the time of the story.

    Raises Surprise unless the check ends with this exit code and for this reason.
    """
    moment = datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
    command = [sys.executable, "-m", "wallet.verifier", "check", str(image), "--bundle", str(bundle), "--pin", pin]
    command += ["--at", moment]
    begun = time.perf_counter()
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)  # noqa: S603 - our own module
    took = (time.perf_counter() - begun) * 1000
    verdict: dict[str, Any] = json.loads(done.stdout or "{}")
    if done.returncode != exit_code or reason not in verdict.get("reasons", []):
        raise Surprise(f"kiểm tra ngoại tuyến / offline check: {done.returncode} {done.stdout}{done.stderr}")
    return verdict, took
