"""The only place that connects: `Wallet` is what is built once, `Work` the services of one transaction."""

from wallet.wiring.process import Wallet
from wallet.wiring.transaction import Work

__all__ = ["Wallet", "Work"]
