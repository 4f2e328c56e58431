"""The reader's language: words, numbers and proper names; catalogues of texts."""
