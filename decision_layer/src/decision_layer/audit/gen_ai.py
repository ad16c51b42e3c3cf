"""Attribute names of spans, in this one place because none of them is stable.

gen_ai.*: open-telemetry/semantic-conventions-genai (schema gen-ai-dev/1.42.0-dev, no tagged release; no attribute was
Stable on 2026-07-20). langfuse.*: langfuse.com/integrations/native/opentelemetry, property mapping; what Langfuse does
not map itself it shows as metadata, which is where decision.* goes.
"""

from __future__ import annotations

from typing import Final

OPERATION: Final = "gen_ai.operation.name"
PROVIDER: Final = "gen_ai.provider.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
RESPONSE_MODEL: Final = "gen_ai.response.model"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"

LEVEL: Final = "langfuse.observation.level"
MESSAGE: Final = "langfuse.observation.status_message"
TRACE_NAME: Final = "langfuse.trace.name"
TRACE_TAGS: Final = "langfuse.trace.tags"

OWN: Final = "decision."  # before the name of a field of a Decision or Outcome

# gen_ai.operation.name by endpoint; others carry their path.
OPERATIONS: Final = {
    "/v1/chat/completions": "chat",
    "/v1/responses": "chat",
    "/v1/messages": "chat",
    "/v1/embeddings": "embeddings",
}
