"""The formats that captures are written in, a module each.

``wsdefrag.capture`` exports their functions.
"""
