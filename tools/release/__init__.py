"""What has to hold before a release: one module for each part of `tools/release_check.py`."""
