//! Everything of Kymo that knows users: HTTP, CLI, config and workers.
