"""The commands of `evolink-check`, which read options, run a check and write its reports."""
