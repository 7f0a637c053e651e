"""A script that makes mitmproxy another release than it is; ``RELEASE`` says which."""

import os

from mitmproxy import version

version.VERSION = os.environ["RELEASE"]
