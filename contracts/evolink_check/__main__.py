"""Running `python -m evolink_check` is the same as running the command `evolink-check`."""

from evolink_check.cli.app import main

main()
