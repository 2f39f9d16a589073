"""What runs for minutes: `make fuzz` and `make soak`. `make test` runs a few seconds of each, so that they work."""
