from tests.sources.conftest import database, sources_url

__all__ = ["database", "sources_url"]
