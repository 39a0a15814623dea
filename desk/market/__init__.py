"""What we know of the market: books, tape, bars, and whether to believe them."""
