"""What a Dockerfile means: images, stages, users, directories and commands, and the permissions they need."""
