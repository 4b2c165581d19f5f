"""What a program says of recorded episodes: snapshots in; scores, summary, plot and page out."""
