"""What a request left behind is asked here as it is of the web ring."""

from tests.web.conftest import events, gone, unchanged

__all__ = ["events", "gone", "unchanged"]
