"""How a repository builds and runs its images, and which of them build on each other."""
