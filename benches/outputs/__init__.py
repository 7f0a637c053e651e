"""Measures what is made of captures: lines, archives, tables and reports."""
