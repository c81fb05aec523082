"""Dockerfiles that live in other files: found, rewritten in place, everything around them byte for byte."""
