"""`python -m core.cli` is `tidemill`."""

from .main import main

main()
