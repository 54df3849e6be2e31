"""The data sets: where their files lie, how they are fetched, read, checked and split."""
