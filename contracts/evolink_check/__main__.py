"""`python -m evolink_check` does the same as the command `evolink-check`."""

from evolink_check.cli.app import main

main()
