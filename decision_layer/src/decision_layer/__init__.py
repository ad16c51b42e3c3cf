"""The decision layer: an OpenAI-compatible way in, routing by data class that fails closed, a record per decision."""
