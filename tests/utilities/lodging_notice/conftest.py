import json
from importlib.resources import files
from typing import Any

import pytest


@pytest.fixture
def texts() -> dict[str, Any]:
    """What stands in the plug-in's texts.json."""
    found = files("wallet.utilities.lodging_notice").joinpath("texts.json").read_text(encoding="utf-8")
    return json.loads(found)  # type: ignore[no-any-return]
