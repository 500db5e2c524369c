"""Reporting: one document model, several formats."""
