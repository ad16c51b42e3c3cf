"""The way in: who asks, what it holds, where it may go, and the answer. Every step fails closed."""
