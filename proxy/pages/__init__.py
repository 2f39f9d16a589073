"""The templates and messages of the pages that a node shows by itself."""
