"""As in the tests of whole devices."""

from tests.edge.conftest import quick_disk

__all__ = ["quick_disk"]
