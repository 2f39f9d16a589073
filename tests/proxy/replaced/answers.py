"""Answers that nobody may ask for."""

from __future__ import annotations

from config.proxy_settings import Limits


class NoAnswers:
    limits = Limits()

    def room(self, client):
        return None

    def answer_failure(self, flow, error):
        raise AssertionError(f"asked for a page: {error}")

    def refuse_head(self, client, status, why):
        raise AssertionError(f"asked for a refusal: {why}")

    note_refusal = refuse_head
