"""The commands of `evolink-check`. Each command reads its options, runs a check and writes reports."""
