"""What heals: one beat of small duties that finds every delivery nobody is working on, whatever died before.

A process of its own, started by each worker and also alone (`python -m precog.recovery`); any number may run.
"""
