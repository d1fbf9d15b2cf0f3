"""The SSH door: command lines in, judged and run on a host, their output back."""
