"""Sections of the evaluation report: a file each, a Draft in, a Section out."""
