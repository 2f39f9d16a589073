"""The network around the filter: rules of its router, and answers of its resolvers. Text for others to load."""
