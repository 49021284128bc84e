"""Draws a report as one HTML file, from ``pipeline.report``'s values. Asks no database, and no network ever.

Everything here needs the extra ``analysts``: workers have neither a plotting library nor a template engine.
"""
