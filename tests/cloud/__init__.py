"""What can be shown on a local AWS. The steps are in modules of their own; their assertions tell as tests do."""

import pytest

pytest.register_assert_rewrite(
    *(f"{__name__}.{name}" for name in ("arrivals", "drifting", "faults", "grants", "releases"))
)
