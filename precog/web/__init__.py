"""What answers over HTTP: providers' reports, and whether all is well. A console grows from here."""
