"""PostgreSQL, Redis, workers, watch and Flower on this machine, from wheels alone: for `precog up`, demo and tests.

Everything is bound to loopback and guarded by a generated password in a file that only its owner can read: on a shared
machine, a port on 127.0.0.1 is open to every local user, and a socket's path has a length limit that a deep checkout
exceeds. Passwords travel by file or environment, never on a command line. Production has servers of its own.
"""
