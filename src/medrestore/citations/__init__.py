"""References of the methods and programs that a run used."""
