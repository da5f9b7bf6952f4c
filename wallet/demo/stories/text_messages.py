"""The phone's text messages, as the demo's outbox of files has them (`WALLET_SMS_OUTBOX_DIR`)."""

import json
import re
from pathlib import Path

from wallet.demo.stories.calling import Surprise, Watch

PATIENCE_SECONDS = 20.0
STEP_SECONDS = 0.1


class TextMessages:
    """What one phone number receives from now on."""

    def __init__(self, directory: Path, phone: str, watch: Watch) -> None:
        self.directory = directory
        self.phone = phone
        self.watch = watch
        self._seen = set(self._files())

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Return where the next message matches; one that does not is read and put aside. Raises Surprise."""
        waited = 0.0
        while waited < PATIENCE_SECONDS:
            for name in sorted(self._files() - self._seen):
                self._seen.add(name)
                message = json.loads((self.directory / name).read_text(encoding="utf-8"))
                found = re.search(pattern, message["text"]) if message["phone"] == self.phone else None
                if found is not None:
                    return found
            self.watch.wait(STEP_SECONDS)
            waited += STEP_SECONDS
        raise Surprise(
            f"không có tin nhắn cho {self.phone} trong {self.directory} / no text message came",
            "wallet demo messages",
        )

    def _files(self) -> set[str]:
        return {path.name for path in self.directory.glob("*.json")}
