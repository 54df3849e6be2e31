"""What every room uses: errors for people, words, files and folders, Ctrl-C."""
