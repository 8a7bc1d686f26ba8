"""Picture files: headers, decoding within limits, encoding, and what cameras write into their metadata."""
