"""What the judges of HTTP APIs share: requests are taken apart strictly, and rebuilt from what was judged."""
