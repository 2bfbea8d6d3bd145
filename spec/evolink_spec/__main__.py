"""`python -m evolink_spec` compiles the built-in documents again, after a change to openapi/ or overlay.yaml."""

from evolink_spec.compiled import main

main()
