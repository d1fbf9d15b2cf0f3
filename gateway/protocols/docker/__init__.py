"""The Docker door: requests to an engine in, judged and rebuilt, its answers and streams out."""
