"""What every other folder uses: errors for people, words, files and folders, Ctrl-C."""
