"""`python -m contracts` is `evolink-check`."""

from contracts.cli import main

main()
