"""Any client, taken through the contract and judged by what it sent and how it ended."""
