"""`python -m evolink_spec`: compile the built-in contract anew, after a change to openapi/ or overlay.yaml."""

from evolink_spec.compiled import main

main()
