"""What the files of a repository say: how images are built, run and based on one another."""
