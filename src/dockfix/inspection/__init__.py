"""Ask real base images what they contain: those of a container engine, and those of registries."""
