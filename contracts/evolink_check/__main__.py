"""`python -m evolink_check` is equivalent to the command `evolink-check`."""

from evolink_check.cli.app import main

main()
