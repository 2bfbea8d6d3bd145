"""Find out what each recorded exchange with an API was, and judge each clause."""
