"""The Docker Engine API: a request → what it would do, and the one request that is sent in its place."""
