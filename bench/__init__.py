"""Benchmarks: figures and ratios of one run, never a test that passes or fails."""
