"""Writers of captures: one module for each file format.

``wsdefrag.capture`` exports their functions.
"""
