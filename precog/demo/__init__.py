"""`precog demo`: the real thing on servers of its own, told as a story to a person, and checked against what arrived.

PostgreSQL, Redis, migrations, routes and worker processes are those of every installation. Only the world outside is
played: a mail server, an SMS gateway, Slack and a webhook on loopback, each spoken to over real SMTP and HTTP.
"""
