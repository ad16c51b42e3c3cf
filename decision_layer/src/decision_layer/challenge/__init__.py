"""Contesting a decision (GDPR Art. 22(3)): filed by its record's id, decided by a person, appended to the trail."""
