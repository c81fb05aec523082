"""Which files a run processes: paths named, folders walked, and what earlier walks found."""
