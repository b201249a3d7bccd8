"""Storms: many processes at one session at the same moment, races, deaths and wrong clocks, with what must hold."""
