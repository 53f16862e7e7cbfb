"""The values that travel through Precog and the moves they may make: no clock, no database, no network."""
