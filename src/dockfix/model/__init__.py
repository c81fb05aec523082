"""What a Dockerfile means: images, stages, users, directories, commands and what they need."""
