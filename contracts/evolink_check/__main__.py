"""`python -m evolink_check` is `evolink-check`."""

from evolink_check.cli.app import main

main()
