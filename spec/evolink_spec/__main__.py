"""`python -m evolink_spec` writes compiled.json again, after a change to openapi/ or overlay.yaml."""

from evolink_spec.compiled import main

main()
