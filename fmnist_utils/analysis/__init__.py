"""What predictions are worth, in numbers and in figures; knows arrays and tables, no runs."""
