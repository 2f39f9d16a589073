"""The JSON Schema of the district's file, for editors. `python -m config.schema` prints config/schema.json."""

from __future__ import annotations

import json
import sys

from config.settings import Settings


def render() -> str:
    """The text of config/schema.json. It knows shapes, not rules between keys: `check-config` has the last word."""
    schema = Settings.model_json_schema()
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The district's file of Breakwater",
        "description": "Shapes only; breakwater check-config has the last word.",
        **{key: value for key, value in schema.items() if key not in ("title", "description")},
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(render())
