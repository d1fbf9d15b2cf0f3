"""Unit → verdict: pure, synchronous, no I/O, no clock. One room a language."""
