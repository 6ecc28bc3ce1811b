"""How many people a study of a test needs: shares, areas, agreement; and the sentences of it."""
