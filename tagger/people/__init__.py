"""Whose face it is, and which unknown faces are one person's."""
