"""Who is cut off while thinking: the curve of cut-offs against waiting, by synthetic thinkers."""
