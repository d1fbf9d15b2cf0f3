"""The small languages inside command lines, each read by a grammar of its own and put down again canonically."""
