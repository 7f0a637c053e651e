"""A script that changes mitmproxy's version number to ``RELEASE``."""

import os

from mitmproxy import version

version.VERSION = os.environ["RELEASE"]
