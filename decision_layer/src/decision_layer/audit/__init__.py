"""The record of every decision: durable before the first upstream byte, chained, signed, and found out when touched."""
