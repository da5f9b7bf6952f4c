"""How the commands of the verifier end when nothing could be checked."""

from typing import Any

from wallet.errors import WalletError


class CommandFailed(WalletError):
    """Nothing was checked. code: a key of the texts under `error.`. next_command: what to try."""

    def __init__(self, code: str, next_command: str, **values: Any) -> None:
        super().__init__(code, **values)
        self.next_command = next_command
