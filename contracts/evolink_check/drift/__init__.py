"""What changed between two versions of documents, for whom, and whether it breaks anything."""
