"""`python -m spec`: compile the built-in contract anew, after a change to spec/openapi/ or spec/overlay.yaml."""

from spec.compiled import main

main()
