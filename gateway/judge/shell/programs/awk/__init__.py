"""awk: POSIX awk with gawk's additions, read into a small tree."""
