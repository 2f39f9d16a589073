"""Decides about traffic: takes a connection, states facts, evaluates them, answers, and records the verdict."""
