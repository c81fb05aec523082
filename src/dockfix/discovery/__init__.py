"""Find the files of a run: named paths, searched folders, and the results of earlier searches."""
