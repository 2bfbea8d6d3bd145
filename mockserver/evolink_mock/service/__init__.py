"""The parts of a running mock that the endpoints share, such as clocks, metrics, uploads and the store."""
