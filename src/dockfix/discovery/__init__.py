"""Which files a run looks at: the paths named, the folders walked, what earlier walks found."""
