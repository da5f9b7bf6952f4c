"""The suite. What helpers assert is told as what tests assert is: with its values."""

from pathlib import Path

import pytest

pytest.register_assert_rewrite(*(f"{__name__}.{each.stem}" for each in Path(__file__).parent.iterdir()))
