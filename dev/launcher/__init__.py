"""The commands behind `python3 dev`: find Python 3.13, make the environment, start and stop what is needed."""
