"""What a recording shows and the documents do not say, and the reverse."""
