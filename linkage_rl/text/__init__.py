"""Normalises names, addresses, phones, URLs and numbers, so that equal things are spelled alike."""
