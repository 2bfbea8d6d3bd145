"""`python -m evolink_spec` generates compiled.json again. Run it after each change to openapi/ or overlay.yaml."""

from evolink_spec.compiled import main

main()
